/*
 * Files and folders.
 */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/jfs.h"
#include "io/jio.h"
#include "base/jstr.h"
#include "t.h"
#include "t_tmp.h"

static struct jbuf walked;
static const char *dir;

static int
note(const char *file, void *arg, struct jerr *e)
{
	(*(int *)arg)++;
	jbuf_printf(&walked, "%s ", file + strlen(dir));
	return strstr(file, "stop") ? jerr_set(e, JERR_ARG, "stopped") : 0;
}

static void
trees(void)
{
	struct jerr e = { 0 };
	struct jarena a;
	char **names;
	size_t n;
	int count = 0;

	jarena_init(&a, 0);
	eq_int(jfs_mkdirs(t_path(dir, "t/a/b//c/"), &e), 0);
	eq_int(jfs_mkdirs(t_path(dir, "t/a"), &e), 0);
	jout_put(t_path(dir, "t/z"), "1", 1, &e);
	jout_put(t_path(dir, "t/B"), "", 0, &e);
	jout_put(t_path(dir, "t/a/b/x"), "12", 2, &e);
	eq_int(jfs_mkdirs(t_path(dir, "t/z/y"), &e), JERR_IO);
	jerr_clear(&e);
	ok(jfs_exists(t_path(dir, "t/z")) && !jfs_exists(t_path(dir, "t/q")));
	ok(jfs_is_dir(t_path(dir, "t")) && !jfs_is_dir(t_path(dir, "t/z")));
	ok(jfs_size(t_path(dir, "t/a/b/x")) == 2 && jfs_size(t_path(dir, "t/q")) == -1);
	ok(jfs_mtime_ns(t_path(dir, "t/z")) > INT64_C(1500000000000000000));
	eq_int(jfs_list(t_path(dir, "t"), &a, &names, &n, &e), 0);
	ok(n == 3 && !strcmp(names[0], "B") && !strcmp(names[1], "a") && !strcmp(names[2], "z"));
	eq_int(jfs_list(t_path(dir, "q"), &a, &names, &n, &e), JERR_IO);
	jerr_clear(&e);
	eq_int(symlink("..", t_path(dir, "t/a/b/c/loop")), 0);
	eq_int(symlink("self", t_path(dir, "t/self")), 0);
	eq_int(symlink("/absent/thing", t_path(dir, "t/dangling")), 0);
	eq_int(jfs_walk(t_path(dir, "t"), note, &count, &e), 0);
	eq_str(walked.p, "/t/B /t/a/b/x /t/z ");
	jbuf_reset(&walked);
	jfs_walk(t_path(dir, "t/z"), note, &count, &e);
	eq_str(walked.p, "/t/z ");
	eq_int(jfs_walk(t_path(dir, "q"), note, &count, &e), JERR_IO);
	jerr_clear(&e);
	jout_put(t_path(dir, "t/a/stop"), "", 0, &e);
	count = 0;
	eq_int(jfs_walk(t_path(dir, "t"), note, &count, &e), JERR_ARG);
	eq_int(count, 3);
	jerr_clear(&e);
	/* removing takes links away, not what they point at */
	eq_int(symlink(t_path(dir, "t/a"), t_path(dir, "t/a/b/c/up")), 0);
	eq_int(jfs_remove_tree(t_path(dir, "t/a/b"), &e), 0);
	ok(jfs_exists(t_path(dir, "t/a/stop")));
	eq_int(jfs_remove_tree(t_path(dir, "t"), &e), 0);
	ok(!jfs_exists(t_path(dir, "t")));
	eq_int(jfs_remove_tree(t_path(dir, "t"), &e), 0);
	jarena_release(&a);
}

static void
names(void)
{
	struct jarena a;

	jarena_init(&a, 0);
	eq_str(jfs_join(&a, "a", "b"), "a/b");
	eq_str(jfs_join(&a, "a//", "b"), "a/b");
	eq_str(jfs_join(&a, "/", "b"), "/b");
	eq_str(jfs_join(&a, "", "b"), "b");
	eq_str(jfs_base("a/b/c"), "c");
	eq_str(jfs_base("c"), "c");
	eq_str(jfs_base("a/"), "");
	jarena_release(&a);
}

static void
mapping(void)
{
	struct jerr e = { 0 };
	struct jmapped m;

	jout_put(t_path(dir, "f"), "hello", 5, &e);
	eq_int(jfs_map(&m, t_path(dir, "f"), &e), 0);
	ok(m.n == 5 && memcmp(m.p, "hello", 5) == 0);
	jfs_unmap(&m);
	jfs_unmap(&m);
	jout_put(t_path(dir, "f"), "", 0, &e);
	ok(jfs_map(&m, t_path(dir, "f"), &e) == 0 && m.p == NULL && m.n == 0);
	eq_int(jfs_map(&m, dir, &e), JERR_IO);
	jerr_clear(&e);
	eq_int(jfs_map(&m, t_path(dir, "absent"), &e), JERR_IO);
}

static void
whole_folders(void)
{
	struct jerr e = { 0 };
	struct jarena a;
	char *tmp, **list;
	size_t n;

	jarena_init(&a, 0);
	eq_int(jfs_dir_begin(t_path(dir, "deep/model"), &a, &tmp, &e), 0);
	jout_put(jfs_join(&a, tmp, "w"), "one", 3, &e);
	ok(!jfs_exists(t_path(dir, "deep/model")));
	eq_int(jfs_dir_commit(tmp, t_path(dir, "deep/model"), &e), 0);
	eq_int(jfs_size(t_path(dir, "deep/model/w")), 3);
	/* an older folder is replaced as a whole */
	eq_int(jfs_dir_begin(t_path(dir, "deep/model/"), &a, &tmp, &e), 0);
	jout_put(jfs_join(&a, tmp, "v"), "two!", 4, &e);
	eq_int(jfs_dir_commit(tmp, t_path(dir, "deep/model/"), &e), 0);
	ok(!jfs_exists(t_path(dir, "deep/model/w")) && jfs_size(t_path(dir, "deep/model/v")) == 4);
	eq_int(jfs_dir_begin(t_path(dir, "deep/model"), &a, &tmp, &e), 0);
	jfs_dir_abort(tmp);
	jfs_list(t_path(dir, "deep"), &a, &list, &n, &e);
	eq_int(n, 1);
	eq_int(e.code, 0);
	jarena_release(&a);
}

int
main(void)
{
	struct jerr e = { 0 };

	dir = t_tmpdir();
	jbuf_init(&walked);
	trees();
	names();
	mapping();
	whole_folders();
	eq_int(jfs_remove_tree(dir, &e), 0);
	jbuf_release(&walked);
	return t_done();
}
