/* config.json: both spellings, round trip, refusals; presets. */
#include "t.h"

#include "base/jstr.h"
#include "model/jmodel.h"

#define SHAPE "\"vocab_size\":96,\"hidden_size\":32,\"intermediate_size\":48," \
	"\"num_hidden_layers\":2,\"num_attention_heads\":4"

static int
parse(struct jmodel_config *c, const char *json, struct jerr *e)
{
	memset(e, 0, sizeof(*e));
	return jmodel_config_parse(c, json, strlen(json), "config.json", e);
}

static void
refused(const char *json, int code, const char *word)
{
	struct jmodel_config c;
	struct jerr e;

	eq_int(parse(&c, json, &e), code);
	if (!ok(strstr(e.msg, word) != NULL))
		printf("# \"%s\" does not name \"%s\"\n", e.msg, word);
}

static void
spellings(void)
{
	struct jmodel_config a, b;
	struct jerr e;

	eq_int(parse(&a, "{\"model_type\":\"llama\"," SHAPE ",\"head_dim\":null,\"rope_theta\":500000.0,"
		"\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":8.0,\"low_freq_factor\":1.0,"
		"\"high_freq_factor\":4.0,\"original_max_position_embeddings\":8192},"
		"\"torch_dtype\":\"bfloat16\",\"eos_token_id\":[2,5,7]}", &e), 0);
	eq_int(parse(&b, "{\"model_type\":\"llama\"," SHAPE ",\"head_dim\":8,\"rope_parameters\":{"
		"\"rope_theta\":500000,\"rope_type\":\"llama3\",\"factor\":8,\"low_freq_factor\":1,"
		"\"high_freq_factor\":4,\"original_max_position_embeddings\":8192},\"dtype\":\"bfloat16\","
		"\"eos_token_id\":2}", &e), 0);
	eq_int(a.head_dim, 8);
	eq_int(b.head_dim, 8);
	eq_int(a.kv_heads, 4);
	near(a.rope_theta, 500000, 0);
	near(b.rope_theta, 500000, 0);
	near(a.rope_factor, 8, 0);
	near(b.rope_factor, 8, 0);
	eq_int(a.rope_original, b.rope_original);
	eq_int(a.eos, 2);
	eq_int(a.n_eos, 3);
	eq_int(a.eos_list[2], 7);
	eq_int(b.n_eos, 0);
	eq_int(a.bos, -1);
	eq_int(parse(&a, "{\"model_type\":\"qwen3\"," SHAPE "}", &e), 0);
	eq_int(a.head_dim, 128);
}

static void
round_trip(const char *json)
{
	struct jmodel_config a, b;
	struct jbuf out, again;
	struct jerr e;

	jbuf_init(&out);
	jbuf_init(&again);
	eq_int(parse(&a, json, &e), 0);
	jmodel_config_json(&a, JDT_BF16, &out);
	if (!eq_int(parse(&b, out.p, &e), 0))
		printf("# %s\n", e.msg);
	jmodel_config_json(&b, JDT_BF16, &again);
	eq_str(again.p, out.p);
	ok(a.arch == b.arch && a.rope_theta == b.rope_theta && a.rope_factor == b.rope_factor);
	ok(a.tied == b.tied && a.norm_eps == b.norm_eps && a.eos == b.eos && a.n_eos == b.n_eos);
	jbuf_release(&out);
	jbuf_release(&again);
}

static void
refusals(void)
{
	refused("{" SHAPE "}", JERR_FORMAT, "model_type");
	refused("{\"model_type\":\"mamba\"," SHAPE "}", JERR_UNSUPPORTED, "llama, qwen3");
	refused("{\"model_type\":\"llama\"}", JERR_FORMAT, "vocab_size");
	refused("{\"model_type\":\"llama\"," SHAPE ",\"hidden_act\":\"mish\"}", JERR_UNSUPPORTED, "silu");
	refused("{\"model_type\":\"llama\"," SHAPE ",\"num_key_value_heads\":3}", JERR_FORMAT, "multiple");
	refused("{\"model_type\":\"llama\"," SHAPE ",\"head_dim\":\"8\"}", JERR_FORMAT, "head_dim");
	refused("{\"model_type\":\"llama\"," SHAPE ",\"head_dim\":7}", JERR_FORMAT, "odd");
	refused("{\"model_type\":\"llama\"," SHAPE ",\"rope_scaling\":{\"type\":\"odd\",\"factor\":2}}",
		JERR_UNSUPPORTED, "default, linear, dynamic, llama3, yarn, longrope");
	refused("{\"model_type\":\"llama\"," SHAPE ",\"rope_scaling\":{\"type\":\"linear\"}}",
		JERR_FORMAT, "factor");
	refused("{\"model_type\":\"llama\"," SHAPE ",\"rope_theta\":0}", JERR_FORMAT, "rope_theta");
	refused("{\"model_type\":\"smollm3\"," SHAPE ",\"use_sliding_window\":true}", JERR_UNSUPPORTED,
		"sliding");
	refused("{\"model_type\":\"llama\",\"vocab_size\":9000000000000000000,\"hidden_size\":32,"
		"\"intermediate_size\":48,\"num_hidden_layers\":2,\"num_attention_heads\":4}", JERR_FORMAT,
		"vocab_size");
	refused("[1]", JERR_FORMAT, "object");
	refused("{\"model_type\":", JERR_FORMAT, "config.json");
}

static void
presets(void)
{
	static const struct { const char *name; double millions; } known[] = {
		{ "125m", 109.5 }, { "350m", 238.3 }, { "500m", 377.2 }, { "1B", 1196 }, { "3b", 2347 },
		{ "gpt2", 124.44 }, { "nano-moe", 2.8236 }
	};
	struct jmodel_config c;
	struct jerr e = { 0 };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		eq_int(jmodel_preset(&c, known[i].name, &e), 0);
		near((double)jmodel_count(&c) * 1e-6, known[i].millions, known[i].millions * 6e-4);
	}
	for (size_t i = 0; jmodel_presets[i]; i++) {
		eq_int(jmodel_preset(&c, jmodel_presets[i], &e), 0);
		eq_int(jmodel_config_check(&c, jmodel_presets[i], &e), 0);
	}
	/* two of eight experts work: a quarter of their weights counts */
	eq_int(jmodel_preset(&c, "nano-moe", &e), 0);
	near(jmodel_flops_per_token(&c, 1), 3 * (2 * (1e6 * 2.823552 - 0.75 * 8 * 3 * 192 * 128 * 4)
		+ 2 * 128 * 4), 1e-6 * 1e7);
	eq_int(jmodel_preset(&c, "7b", &e), JERR_ARG);
	ok(strstr(e.msg, "nano") != NULL);
}

/* A shape small enough to count by hand. */
static void
counts(void)
{
	struct jmodel_config c;
	struct jerr e;

	eq_int(parse(&c, "{\"model_type\":\"qwen3\"," SHAPE ",\"head_dim\":16,\"num_key_value_heads\":2,"
		"\"tie_word_embeddings\":true}", &e), 0);
	/* embedding; per layer q, k, v, o, three of ffn, two norms, q and k norm; final norm */
	eq_int(jmodel_count(&c), 96 * 32 + 2 * (64 * 32 + 2 * 32 * 32 + 32 * 64 + 3 * 48 * 32 + 2 * 32 +
		2 * 16) + 32);
	c.tied = false;
	eq_int(jmodel_count(&c), 2 * 96 * 32 + 2 * (64 * 32 + 2 * 32 * 32 + 32 * 64 + 3 * 48 * 32 +
		2 * 32 + 2 * 16) + 32);
}

int
main(void)
{
	spellings();
	round_trip("{\"model_type\":\"llama\"," SHAPE ",\"eos_token_id\":[2,5],\"bos_token_id\":1,"
		"\"rms_norm_eps\":1e-5,\"mlp_bias\":true,\"rope_theta\":500000.0,\"rope_scaling\":{"
		"\"rope_type\":\"llama3\",\"factor\":32,\"low_freq_factor\":1,\"high_freq_factor\":4,"
		"\"original_max_position_embeddings\":8192}}");
	round_trip("{\"model_type\":\"qwen3\"," SHAPE ",\"head_dim\":24,\"tie_word_embeddings\":true,"
		"\"rope_scaling\":{\"type\":\"linear\",\"factor\":2.5}}");
	refusals();
	presets();
	counts();
	return t_done();
}
