/* Made by make_models.py: rotary scalings of transformers. */
static const struct {
	const char *config;
	long length;
	double attention, freq[16];
} rope_cases[] = {
	{ "{\"model_type\": \"llama\", \"vocab_size\": 96, \"hidden_size\": 64, \"intermedi"
	  "ate_size\": 48, \"num_hidden_layers\": 2, \"num_attention_heads\": 2, \"max_posi"
	  "tion_embeddings\": 131072, \"rope_parameters\": {\"rope_type\": \"linear\", \"ro"
	  "pe_theta\": 10000.0, \"factor\": 4.0}}", 1024, 1.0, {
	  0.25, 0.140585333, 0.079056941, 0.0444569848,
	  0.0250000004, 0.0140585322, 0.00790569466, 0.00444569858,
	  0.00249999994, 0.00140585331, 0.000790569466, 0.000444569858,
	  0.000250000012, 0.000140585325, 7.90569466e-05, 4.44569851e-05,
	} },
	{ "{\"model_type\": \"llama\", \"vocab_size\": 96, \"hidden_size\": 64, \"intermedi"
	  "ate_size\": 48, \"num_hidden_layers\": 2, \"num_attention_heads\": 2, \"max_posi"
	  "tion_embeddings\": 131072, \"rope_parameters\": {\"rope_type\": \"dynamic\", \"r"
	  "ope_theta\": 10000.0, \"factor\": 4.0}}", 1024, 1.0, {
	  1, 0.562341332, 0.316227764, 0.177827939,
	  0.100000001, 0.0562341288, 0.0316227786, 0.0177827943,
	  0.00999999978, 0.00562341325, 0.00316227786, 0.00177827943,
	  0.00100000005, 0.000562341302, 0.000316227786, 0.00017782794,
	} },
	{ "{\"model_type\": \"llama\", \"vocab_size\": 96, \"hidden_size\": 64, \"intermedi"
	  "ate_size\": 48, \"num_hidden_layers\": 2, \"num_attention_heads\": 2, \"max_posi"
	  "tion_embeddings\": 131072, \"rope_parameters\": {\"rope_type\": \"llama3\", \"ro"
	  "pe_theta\": 500000.0, \"factor\": 8.0, \"low_freq_factor\": 1.0, \"high_freq_fac"
	  "tor\": 4.0, \"original_max_position_embeddings\": 8192}}", 1024, 1.0, {
	  1, 0.440366626, 0.193922758, 0.0853971019,
	  0.0376060307, 0.0165604409, 0.00729266508, 0.00321144611,
	  0.000524846022, 7.78465546e-05, 3.42810235e-05, 1.50962178e-05,
	  6.64786967e-06, 2.92749974e-06, 1.28917316e-06, 5.6770881e-07,
	} },
	{ "{\"model_type\": \"llama\", \"vocab_size\": 96, \"hidden_size\": 64, \"intermedi"
	  "ate_size\": 48, \"num_hidden_layers\": 2, \"num_attention_heads\": 2, \"max_posi"
	  "tion_embeddings\": 131072, \"rope_parameters\": {\"rope_type\": \"yarn\", \"rope"
	  "_theta\": 1000000.0, \"factor\": 4.0, \"original_max_position_embeddings\": 3276"
	  "8}}", 1024, 1.138629436111989, {
	  1, 0.421696514, 0.177827939, 0.0749894157,
	  0.0316227786, 0.0133352149, 0.00477990136, 0.00165996165,
	  0.000549999997, 0.000168678584, 4.44569851e-05, 1.87473561e-05,
	  7.90569356e-06, 3.33380353e-06, 1.40585337e-06, 5.92843435e-07,
	} },
	{ "{\"model_type\": \"llama\", \"vocab_size\": 96, \"hidden_size\": 64, \"intermedi"
	  "ate_size\": 48, \"num_hidden_layers\": 2, \"num_attention_heads\": 2, \"max_posi"
	  "tion_embeddings\": 131072, \"rope_parameters\": {\"rope_type\": \"yarn\", \"rope"
	  "_theta\": 10000.0, \"factor\": 40.0, \"original_max_position_embeddings\": 4096,"
	  " \"beta_fast\": 16.0, \"beta_slow\": 2.0, \"mscale\": 1.0, \"mscale_all_dim\": 0"
	  ".8, \"truncate\": false}}", 1024, 1.0569662567531275, {
	  1, 0.562341332, 0.316227764, 0.177827939,
	  0.100000001, 0.0562341288, 0.0316227786, 0.0150961196,
	  0.00579010462, 0.00173821871, 0.000123952457, 4.44569851e-05,
	  2.49999994e-05, 1.40585325e-05, 7.90569447e-06, 4.44569832e-06,
	} },
	{ "{\"model_type\": \"llama\", \"vocab_size\": 96, \"hidden_size\": 64, \"intermedi"
	  "ate_size\": 48, \"num_hidden_layers\": 2, \"num_attention_heads\": 2, \"max_posi"
	  "tion_embeddings\": 131072, \"rope_parameters\": {\"rope_type\": \"yarn\", \"rope"
	  "_theta\": 10000.0, \"factor\": 8.0, \"attention_factor\": 1.5, \"original_max_po"
	  "sition_embeddings\": 4096}}", 1024, 1.5, {
	  1, 0.562341332, 0.316227764, 0.177827939,
	  0.100000001, 0.0562341288, 0.0276699308, 0.0133370962,
	  0.00624999963, 0.00281170662, 0.0011858542, 0.000444569858,
	  0.000125000006, 7.02926627e-05, 3.95284733e-05, 2.22284925e-05,
	} },
	{ "{\"model_type\": \"llama\", \"vocab_size\": 96, \"hidden_size\": 64, \"intermedi"
	  "ate_size\": 48, \"num_hidden_layers\": 2, \"num_attention_heads\": 2, \"max_posi"
	  "tion_embeddings\": 131072, \"rope_parameters\": {\"rope_type\": \"longrope\", \""
	  "rope_theta\": 10000.0, \"original_max_position_embeddings\": 4096, \"short_facto"
	  "r\": [1.0, 1.05, 1.1, 1.15, 1.2, 1.25, 1.3, 1.35, 1.4, 1.45, 1.5, 1.55, 1.6, 1.6"
	  "5, 1.7000000000000002, 1.75], \"long_factor\": [1.0, 2.5, 4.0, 5.5, 7.0, 8.5, 10"
	  ".0, 11.5, 13.0, 14.5, 16.0, 17.5, 19.0, 20.5, 22.0, 23.5]}}", 1024, 1.1902380714238083, {
	  1, 0.535563171, 0.287479758, 0.154633,
	  0.0833333358, 0.044987306, 0.0243252143, 0.0131724402,
	  0.00714285718, 0.00387821579, 0.00210818532, 0.00114727707,
	  0.000624999986, 0.000340812927, 0.000186016332, 0.000101615973,
	} },
	{ "{\"model_type\": \"llama\", \"vocab_size\": 96, \"hidden_size\": 64, \"intermedi"
	  "ate_size\": 48, \"num_hidden_layers\": 2, \"num_attention_heads\": 2, \"max_posi"
	  "tion_embeddings\": 131072, \"rope_parameters\": {\"rope_type\": \"longrope\", \""
	  "rope_theta\": 10000.0, \"original_max_position_embeddings\": 4096, \"short_facto"
	  "r\": [1.0, 1.05, 1.1, 1.15, 1.2, 1.25, 1.3, 1.35, 1.4, 1.45, 1.5, 1.55, 1.6, 1.6"
	  "5, 1.7000000000000002, 1.75], \"long_factor\": [1.0, 2.5, 4.0, 5.5, 7.0, 8.5, 10"
	  ".0, 11.5, 13.0, 14.5, 16.0, 17.5, 19.0, 20.5, 22.0, 23.5]}}", 65536, 1.1902380714238083, {
	  1, 0.224936515, 0.079056941, 0.0323323533,
	  0.0142857144, 0.00661577983, 0.00316227786, 0.00154632994,
	  0.00076923077, 0.000387821608, 0.000197642366, 0.000101615973,
	  5.2631578e-05, 2.74312861e-05, 1.4373989e-05, 7.56714689e-06,
	} },
};
