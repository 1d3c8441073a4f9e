/* The HTTP client against a server of our own on the loopback interface. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/jstr.h"
#include "io/jfs.h"
#include "net/jhttp.h"
#include "t.h"
#include "t_tmp.h"

static int sock, port, asked, tries, robots_asked;

static void
answer(int fd, const char *head, const char *body)
{
	char buf[1024];
	int n = snprintf(buf, sizeof(buf), "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
	    head, strlen(body));

	if (write(fd, buf, (size_t)n) < 0 || write(fd, body, strlen(body)) < 0)
		perror("write");
}

static void
serve_page(int fd, const char *path, const char *req)
{
	char big[20001];

	asked++;
	if (strcmp(path, "/page") == 0 && strstr(req, "If-None-Match: \"v1\"")) {
		answer(fd, "304 Not Modified\r\nETag: \"v1\"", "");
	} else if (strcmp(path, "/page") == 0) {
		answer(fd, "200 OK\r\nContent-Type: Text/HTML; Charset=\"UTF-8\"\r\nETag: \"v1\"\r\n"
		    "Last-Modified: Wed, 01 Jan 2020 00:00:00 GMT", "<p>hello");
	} else if (strcmp(path, "/moved") == 0) {
		answer(fd, "301 Moved\r\nLocation: /a/../page", "");
	} else if (strcmp(path, "/loop") == 0) {
		answer(fd, "302 Found\r\nLocation: loop", "");
	} else if (strcmp(path, "/trap") == 0) {
		answer(fd, "302 Found\r\nLocation: /private/x", "");
	} else if (strcmp(path, "/file") == 0) {
		answer(fd, "302 Found\r\nLocation: file:///etc/passwd", "");
	} else if (strcmp(path, "/busy") == 0 && tries++ < 2) {
		answer(fd, "503 Busy\r\nRetry-After: 100", "");
	} else if (strcmp(path, "/busy") == 0) {
		answer(fd, "200 OK", "at last");
	} else if (strcmp(path, "/big") == 0) {
		memset(big, 'x', 20000);
		big[20000] = '\0';
		answer(fd, "200 OK", big);
	} else {
		answer(fd, "404 Not Found", "no");
	}
}

static void *
serve(void *arg)
{
	(void)arg;
	for (;;) {
		int fd = accept(sock, NULL, NULL);
		char req[4096], path[1024] = "";
		size_t n = 0;
		ssize_t got;

		if (fd < 0)
			return NULL;
		while (n + 1 < sizeof(req) && (got = read(fd, req + n, sizeof(req) - 1 - n)) > 0) {
			n += (size_t)got;
			req[n] = '\0';
			if (strstr(req, "\r\n\r\n"))
				break;
		}
		req[n] = '\0';
		if (sscanf(req, "GET %1023s", path) == 1 && strcmp(path, "/stop") == 0) {
			close(fd);
			return NULL;
		}
		if (strcmp(path, "/robots.txt") == 0) {
			robots_asked++;
			answer(fd, "200 OK", "User-agent: *\nDisallow: /private/\n");
		} else {
			serve_page(fd, path, req);
		}
		close(fd);
	}
}

static bool
start(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t n = sizeof(a);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sock = socket(AF_INET, SOCK_STREAM, 0);
	if (sock < 0 || bind(sock, (struct sockaddr *)&a, sizeof(a)) != 0 || listen(sock, 8) != 0 ||
	    getsockname(sock, (struct sockaddr *)&a, &n) != 0)
		return false;
	port = ntohs(a.sin_port);
	return true;
}

static struct jhttp *client;
static struct jhttp_page page;
static enum jhttp_why why;

static int
get(const char *path)
{
	char url[256];
	struct jerr e = { 0 };

	snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", port, path);
	return jhttp_get(client, url, &page, &why, &e);
}

static void
test_pages(void)
{
	eq_int(get("/page"), 0);
	eq_str(page.body.p, "<p>hello");
	eq_str(page.type.p, "text/html");
	eq_str(page.charset.p, "UTF-8");
	eq_int(page.when, 1577836800);
	ok(!page.same);
	eq_int(get("/page"), 0);	/* the server says 304, the page is remembered */
	ok(page.same);
	eq_str(page.body.p, "<p>hello");
	eq_int(page.when, 1577836800);
	eq_int(get("/moved"), 0);
	ok(jstr_ends(page.url.p, "/page"));
	eq_int(get("/none"), JERR_NET);
	eq_int(why, JHTTP_STATUS);
	eq_int(page.status, 404);
}

static void
test_limits(void)
{
	int before;

	eq_int(get("/loop"), JERR_NET);
	eq_int(why, JHTTP_REDIRECTS);
	before = asked;
	eq_int(get("/private/x"), JERR_NET);
	eq_int(why, JHTTP_ROBOTS);
	eq_int(asked, before);
	eq_int(get("/trap"), JERR_NET);	/* the target of a redirect is checked too */
	eq_int(why, JHTTP_ROBOTS);
	ok(get("/file") < 0);
	eq_int(why, JHTTP_REDIRECTS);
	eq_int(get("/big"), JERR_LIMIT);
	eq_int(why, JHTTP_LARGE);
	eq_int(get("/busy"), 0);	/* twice refused; Retry-After is cut to the bound */
	eq_str(page.body.p, "at last");
	eq_int(tries, 3);
	eq_int(robots_asked, 1);
}

int
main(void)
{
	const char *dir = t_tmpdir();
	struct jhttp_opts o = { .agent = "test", .timeout_s = 5, .max_bytes = 10000, .redirects = 4,
		.retries = 2, .retry_s = 0.01, .retry_max_s = 0.02, .robots = true, .state = dir };
	struct jerr e = { 0 };
	pthread_t t;

	if (!start()) {
		t_skip("no loopback interface");
		return t_done();
	}
	pthread_create(&t, NULL, serve, NULL);
	jhttp_page_init(&page);
	eq_int(jhttp_open(&client, &o, &e), 0);
	test_pages();
	test_limits();
	o.retries = -1;
	jhttp_close(client);
	jhttp_open(&client, &o, &e);
	get("/stop");
	pthread_join(t, NULL);
	close(sock);
	jhttp_close(client);
	jhttp_open(&client, &o, &e);
	ok(get("/page") < 0);
	/* robots.txt cannot be had: nothing is allowed */
	eq_int(why, JHTTP_ROBOTS);
	jhttp_close(client);
	jhttp_page_release(&page);
	jfs_remove_tree(dir, &e);
	return t_done();
}
