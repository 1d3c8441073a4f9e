"""Writes tests/ref/compat/pages.jsonl: small pages with the Gopher measures that other programs take of
them, by their own code.
usage: make_compat.py RPV2 CURATOR DOLMA DCLM JUPITER >tests/ref/compat/pages.jsonl
       (checkouts of togethercomputer/RedPajama-Data, NVIDIA-NeMo/Curator, allenai/dolma, mlfoundations/dclm,
       raym33/jupiter;
       pip: datatrove nltk numpy regex uniseg loguru msgspec unidecode)

The pages use words and marks of which all tokenizers make the same tokens, so that the measures differ
by definition alone."""
import importlib
import importlib.util
import json
import pathlib
import re
import sys
import types

rpv2, curator, dolma, dclm, jupiter = (pathlib.Path(p) for p in sys.argv[1:6])

# --- pages -----------------------------------------------------------------------------------------
TABLE = "".join(f"| row {i} | {i * 7 % 10} | the value of the field that is given in the table |\n" for i in range(4))
STORY = ("The river runs by the town and the people of the town have a boat. "
         "In the winter the river is cold and nobody takes the boat. ")
PAGES = {
    # one page, one table
    "table": "The settings of the program\n\n" + STORY + "\n\n" + TABLE + "\nAll of them have a default.\n"
             "The file is read once, when the program starts, and errors are told with the line.\n"
             "A boat may have two names; then the shorter one is shown where there is little room for both. "
             "Old names stay known, so that what was written before can still be read by anyone who looks for it. "
             "Whoever gives a third name is asked whether the first should go, because no more than two fit.\n"
             "Colours are given as numbers between zero and nine, as on the side of a boat. Nine is white.\n",
    "story": STORY * 3 + "\n\n" + STORY + "\n",
    "lines": "Home\nNews\nHome\n\nThe first line of the page.\nThe first line of the page.\n\nHome\nEnd\n",
    "paragraphs": "\n\nA paragraph that is here twice.\n\nAnother one.\n\n\nA paragraph that is here twice.\n\n",
    "marks": "# one ## two #three\nA line ends... \nAnother too…\n- item\n• item\n* item\n‣ item\n– item\n\nRead more\n",
    "short": "two words",
    "one": "word",
    "same": "x " * 12,
    "accents": "Café déjà vu à la carte. Café déjà vu à la carte. Ça va bien, merci; et toi?\n",
    "caps": "THE END OF THE STORY and The End of the story and the end of the story\n",
    # what the first Jupiter lets pass, and what it does not
    "gibberish": "asdf qwer zxcv asdf qwer zxcv " * 20,
    "refusal": "I am sorry, but I can not help with that. " * 14,
    "pointers": "# Pointers\n\nA pointer that is null points to nothing. An undefined value may be NaN.\n\n"
                "```\nint *p = nullptr;\n```\n\n- Check it first.\n- Then use it.\n" + STORY * 2,
    "noise": "CLICK HERE <<<<<<>>>>> BUY NOW TEST testtest [object Object] LIMITED OFFER " * 3,
    # lines that the line rules of C4 and RefinedWeb are about
    "furniture": "Home\nNEWS AND MORE\n12 likes\n(3.4k views)\n2024\n1 2 3\n\n\n\n" + STORY.strip() + "\n"
                 "A line without an end\nIt ends in dots...\nShort one.\nIt is known [12] that the town is old.[3]\n"
                 "The town [edit] has a mill [citation needed]\nPlease enable JavaScript to see it.\n"
                 "We use cookies on all of our pages.\nShe said \"it is here.\"\nHe said 'it is there'\n"
                 "There are 3 items in cart today\nAll that is said about it Read more...\nSign-in to see it all\n"
                 "Sign-in\n7 likes were given to it.\nIs it so?\n" + "x" * 1001 + " is a long word in a line.\n",
    "numbers": "1 2 3 4 5 and 6 7 8 9 10 that is 1 2 3 4 5 and 6 7 8 9 10\n",
}


def stub(name, **members):
    m = types.ModuleType(name)
    m.__dict__.update(members)
    sys.modules[name] = m
    return m


def load(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    m = importlib.util.module_from_spec(spec)
    sys.modules[name] = m
    spec.loader.exec_module(m)
    return m


def words_and_marks(text, *_):
    """Words (with a dot or apostrophe between letters or digits), and runs of one mark."""
    return [m.group(0) for m in re.finditer(r"\w+(?:['.]\w+)*|([^\w\s])\1*", text)]


def plain_words(text, *_, **__):
    return [w for w in words_and_marks(text) if w[0].isalnum()]


# --- datatrove -------------------------------------------------------------------------------------
import datatrove.pipeline.filters.gopher_repetition_filter as dt  # noqa: E402
from datatrove.pipeline.filters.gopher_quality_filter import PUNCTUATION_SET  # noqa: E402


def of_datatrove(text):
    words, v = words_and_marks(text), {}
    for unit, parts in (("paragraph", re.split(r"\n{2,}", text.strip())), ("line", re.split(r"\n+", text))):
        n, chars = dt.find_duplicates(parts)
        v[f"dup_{unit}s"], v[f"dup_{unit}_chars"] = n / len(parts), chars / len(text)
    for n in range(2, 5):
        grams = dt.get_n_grams(words, n)
        v[f"top_{n}gram"] = dt.find_top_duplicate(grams) / len(text) if grams else 0
    for n in range(5, 11):
        v[f"dup_{n}gram"] = dt.find_all_duplicate(words, n) / len(text)
    plain = [w for w in words if any(ch not in PUNCTUATION_SET for ch in w)]
    lines = text.splitlines()
    v |= {"words": len(plain), "word_chars": sum(map(len, plain)) / len(plain), "hashes": text.count("#") / len(words),
          "ellipses": (text.count("...") + text.count("…")) / len(words),
          "bullet_lines": sum(s.lstrip().startswith(("•", "-")) for s in lines) / len(lines),
          "ellipsis_lines": sum(s.rstrip().endswith(("...", "…")) for s in lines) / len(lines),
          "alpha_words": sum(any(c.isalpha() for c in w) for w in words) / len(words),
          "stop_words": len({"the", "be", "to", "of", "and", "that", "have", "with"} & set(words))}
    return v


# --- RedPajama v2 ----------------------------------------------------------------------------------
sys.path.insert(0, str(rpv2 / "app" / "src"))
rp_rep = importlib.import_module("core.quality_signals.repetitions")
rp_nl = importlib.import_module("core.quality_signals.natural_language")
rp_lines = importlib.import_module("core.quality_signals.lines")
Page = importlib.import_module("core.document").Document


def of_rpv2(text):
    page = Page(text, domain=None)

    def one(module, name):
        return getattr(module, name)()(page)[0][2]

    v = {f"top_{n}gram": one(rp_rep, f"RPS_Doc_Frac_Chars_Top_{n}gram") for n in range(2, 5)}
    v |= {f"dup_{n}gram": one(rp_rep, f"RPS_Doc_Frac_Chars_Dupe_{n}Grams") for n in range(5, 11)}
    bullets = rp_lines.RPS_Lines_Start_With_Bulletpoint()(page)
    v |= {"words": one(rp_nl, "RPS_Doc_Word_Count"), "word_chars": one(rp_nl, "RPS_Doc_Mean_Word_Length"),
          "hashes": one(rp_nl, "RPS_Doc_Symbol_To_Word_Ratio"),
          "ellipsis_lines": one(rp_nl, "RPS_Doc_Frac_Lines_End_With_Ellipsis"),
          "alpha_words": 1 - one(rp_nl, "RPS_Doc_Frac_No_Alph_Words"),
          "bullet_lines": sum(b[2] for b in bullets) / len(bullets)}
    return v


# --- Curator ---------------------------------------------------------------------------------------
class DocumentFilter:
    _sentences = _paragraphs = _ngrams = None


base = curator / "nemo_curator" / "stages" / "text"
for package in ("nemo_curator", "nemo_curator.stages", "nemo_curator.stages.text", "nemo_curator.stages.text.filters",
                "nemo_curator.stages.text.utils"):
    stub(package).__path__ = []
stub("nemo_curator.stages.text.filters.doc_filter", DocumentFilter=DocumentFilter)
load("nemo_curator.stages.text.utils.constants", base / "utils" / "constants.py")
load("nemo_curator.stages.text.utils.text_utils", base / "utils" / "text_utils.py")
cu_string = load("cu_string", base / "filters" / "heuristic" / "string.py")
cu_rep = load("cu_rep", base / "filters" / "heuristic" / "repetition" / "repetition.py")


def of_curator(text):
    v = {"dup_lines": 1 - cu_rep.RepeatedLinesFilter().score_document(text),
         "dup_line_chars": 1 - cu_rep.RepeatedLinesByCharFilter().score_document(text),
         "dup_paragraphs": 1 - cu_rep.RepeatedParagraphsFilter().score_document(text),
         "dup_paragraph_chars": 1 - cu_rep.RepeatedParagraphsByCharFilter().score_document(text),
         "words": cu_string.WordCountFilter().score_document(text),
         "word_chars": cu_string.MeanWordLengthFilter().score_document(text),
         "hashes": cu_string.SymbolsToWordsFilter().score_document(text),
         "bullet_lines": cu_string.BulletsFilter().score_document(text),
         "ellipsis_lines": cu_string.EllipsisFilter().score_document(text),
         "alpha_words": cu_string.WordsWithoutAlphabetsFilter().score_document(text),
         "stop_words": cu_string.CommonEnglishWordsFilter(stop_at_false=False).score_document(text)}
    for n in range(2, 5):
        if unique_top(text.split(), n):		# ties are broken by a hash order there
            v[f"top_{n}gram"] = cu_rep.RepeatingTopNGramsFilter(n).score_document(text)
    for n in range(5, 11):
        v[f"dup_{n}gram"] = cu_rep.RepeatingDuplicateNGramsFilter(n).score_document(text)
    return v


def unique_top(words, n):
    grams = list(zip(*[words[i:] for i in range(n)]))
    counts = sorted((grams.count(g) for g in set(grams)), reverse=True)
    return len(counts) < 2 or counts[0] > counts[1]


# --- dolma -----------------------------------------------------------------------------------------
for package in ("dolma", "dolma.core", "dolma.taggers"):
    stub(package).__path__ = []
stub("dolma.core.data_types", DocResult=None, Document=None, Span=None)
stub("dolma.core.registry", TaggerRegistry=types.SimpleNamespace(add=lambda name: lambda cls: cls))
stub("dolma.core.taggers", BaseTagger=object)
do = load("dolma.taggers.gopher", dolma / "python" / "dolma" / "taggers" / "gopher.py")


def of_dolma(text):
    a = do.get_attributes(text)
    v = {f"top_{n}gram": x for n, x in a.fraction_of_characters_in_most_common_ngram}
    v |= {f"dup_{n}gram": x for n, x in a.fraction_of_characters_in_duplicate_ngrams}
    v |= {"words": a.word_count, "word_chars": a.median_word_length, "hashes": a.symbol_to_word_ratio,
          "alpha_words": a.fraction_of_words_with_alpha_character, "stop_words": a.required_word_count,
          "bullet_lines": a.fraction_of_lines_starting_with_bullet_point,
          "ellipsis_lines": a.fraction_of_lines_ending_with_ellipsis,
          "dup_lines": a.fraction_of_duplicate_lines, "dup_line_chars": a.fraction_of_characters_in_duplicate_lines}
    return v


# --- DCLM: its filter only says yes or no, so the limit at which it turns is looked for ---------------
stub("transformers", AutoTokenizer=None)
for package in ("baselines", "baselines.mappers", "baselines.mappers.filters"):
    stub(package).__path__ = []
core = stub("core", constants=None)
core.__path__ = []
stub("core.constants", CONTENT="text")
stub("core.factory_utils", factory_function=lambda f: f)
stub("retrie")
stub("retrie.retrie", Blacklist=None)
dc_utils = load("baselines.mappers.core_utils", dclm / "baselines" / "mappers" / "core_utils.py")
dc_utils.split_words = plain_words
dc = load("baselines.mappers.filters.content_filters", dclm / "baselines" / "mappers" / "filters" / "content_filters.py")


def turns_at(keeps):
    low, high = -1.0, 100.0
    if keeps(low):			# nothing to measure: it keeps the page whatever the limit
        return 0
    while high - low > 1e-13:
        mid = (low + high) / 2
        low, high = (low, mid) if keeps(mid) else (mid, high)
    return high


def of_dclm(text):
    v = {}
    for unit in ("line", "paragraph"):
        v[f"dup_{unit}s"] = turns_at(lambda x: dc.repetition_filter({"text": text}, unit, x, count_characters=False))
        v[f"dup_{unit}_chars"] = turns_at(lambda x: dc.repetition_filter({"text": text}, unit, x))
    for n in range(2, 11):
        v[f"{'top' if n < 5 else 'dup'}_{n}gram"] = turns_at(lambda x: dc.repetition_filter({"text": text}, n, x))
    return v


# --- the first Jupiter ------------------------------------------------------------------------------
ju = load("jupiter_quality", jupiter / "jupiter" / "data" / "filters" / "quality.py").QualityFilter()


def of_jupiter(text):
    v = {part: getattr(ju, "_score_" + part)(text) for part in ("length", "structure", "language", "domain", "coherence")}
    score = sum(v[part] * w for part, w in zip(v, (.15, .20, .20, .25, .20)))
    if len(text) >= 100:
        assert abs(score - ju.evaluate(text).overall_score) < 1e-9
    return v | {"score": score}


# --- line rules: datatrove for C4, DCLM for RefinedWeb ----------------------------------------------
from datatrove.data import Document  # noqa: E402
from datatrove.pipeline.filters.c4_filters import C4QualityFilter  # noqa: E402

ANY = dict(min_num_sentences=-1, filter_lorem_ipsum=False, filter_curly_bracket=False)


def left_by_c4(text, **more):
    page = Document(text=text, id="")
    return page.text if C4QualityFilter(**ANY, **more).filter(page) is True else ""


sys.modules["core.constants"].__dict__.update(URL="url", CHUNK="chunk")


class Anything:
    def __getattr__(self, name):
        return self

    def __call__(self, *args, **kwargs):
        return self


for name in ("lxml", "lxml.etree", "justext", "bs4"):
    if name not in sys.modules:
        stub(name).__path__ = []
        sys.modules[name].__getattr__ = lambda member: Anything()
dm = load("dclm_modifiers", dclm / "baselines" / "mappers" / "modifiers.py")
CUT = dict(max_length=10, remove_substring_only=True)
STEPS = [lambda page: dm.uppercase_ratio_line_modifier(page, max_ratio=0.5),
         lambda page: dm.numeric_ratio_line_modifier(page, max_ratio=0.999999), dm.counter_line_modifier(),
         lambda page: dm.line_length_modifier(page, min_length=2), dm.substring_line_modifier("items in cart", **CUT),
         dm.substring_line_modifier("Read more...", location="suffix", **CUT),
         dm.substring_line_modifier("Sign-in", location="prefix", **CUT)]


def left_by_dclm(text):
    """Without the space around lines and more than one blank line, which are not ours to keep."""
    page = {"text": re.sub(r"\n{3,}", "\n\n", text)}
    if not all(step(page) for step in STEPS):
        return ""
    return re.sub(r"\n{2,}", "\n\n", "\n".join(line.strip() for line in page["text"].split("\n"))).strip()


for name, text in PAGES.items():
    want = {}
    for program, measure in (("datatrove.", of_datatrove), ("rpv2.", of_rpv2), ("curator.", of_curator),
                             ("dolma.", of_dolma), ("", of_dclm), ("jupiter.", of_jupiter)):
        want |= {program + key: round(value, 9) for key, value in measure(text).items()}
    left = {"c4-paper": left_by_c4(text), "fineweb": left_by_c4(text, filter_no_terminal_punct=False), "refinedweb": left_by_dclm(text)}
    print(json.dumps({"id": name, "text": text, "want": want, "left": left}, ensure_ascii=False))
