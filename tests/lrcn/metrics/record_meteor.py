"""Record the scores of METEOR 1.5 in meteor_scores.json; needs Java and the extra `meteor`.

    python tests/lrcn/metrics/record_meteor.py

The sets are sentences of our own: captions of the moving digits and of a few scenes, varied by
rules: words replaced by others of the same meaning or form, dropped, doubled, moved and mixed.
"""

import importlib.util
import json
import random
import subprocess
from pathlib import Path

from caffe_lite.datasets.moving_digits import make_clips

OUT = Path(__file__).parent / "meteor_scores.json"
SCENES = """
a boy is riding his bicycle along the street
two women sit on a couch and watch television
the tall man throws a ball to his dog in the garden
several children were playing football near the big car
a person holds up a photograph of an old ship
people are buying autos and bikes at the shop
a lady who is wearing a large hat speaks to the kids
the physician's daughter quickly closed her little purse
an airplane was flying over the mountains , and it was huge
men carry wooden boxes into the store at midday
the mice ran under the sofa because the cat had woken
geese and oxen are feeding on the grass beside a lake
he mixes the batter and then slices the cucumber
she has cut the orange in halves with a sharper knife
a baby laughs happily while its mother smiles
workers building a small house of stone
the quickest runner begins to shout at everyone
a film about a physician , a teacher and their happiest days
it's the dog's ball , isn't it ?
a picture of some glasses full of wine on the table
""".strip().splitlines()
# Words that may replace each other.
ALIKE = """
boy lad child boys|bicycle bike bikes cycle|street road streets|women ladies woman|couch sofa lounge
watch see view watched|man gentleman men person|throws flings threw tosses|garden yard gardens
kids youngsters child|big large huge great|car auto automobile cars|photograph photo picture
old aged ancient older|ship vessel ships boat|buying purchasing bought|shop store shops|lady madam
speaks talks speaking spoke|physician doctor doctors|quickly rapidly speedily quick|closed shut
little small tiny|purse handbag bag|airplane plane aeroplane aircraft|mountains mountain hills
midday noon twelve|mice mouse rodents|geese goose|oxen ox cattle|feeding eating feed fed|lake lakes
mixes blends mixed stirs|slices cuts slicing slice|cut sliced cutting|halves half|sharper sharp keen
laughs laughing laugh|happily happy gladly|mother mom ma mothers|smiles smile smiling grins
workers laborers worker|building constructing builds built|stone rock stones|quickest fastest quick
begins starts start commences|shout cry yell shouts|film movie picture|teacher instructor teachers
happiest happy gladdest|glasses glass spectacles|wine wines|table desk tables|a the one|is are was
goes moves travels go|left leftwards|up upwards|down downwards|above over|below under beneath
moves move moving|zero nought null|one 1|two 2|eight 8|nine 9
""".replace("\n", "|").split("|")
GROUPS = [group.split() for group in ALIKE if group.strip()]


def vary(words: list[str], rng: random.Random) -> list[str]:
    """The words with some replaced, dropped, doubled or moved."""
    words = list(words)
    for _ in range(rng.randint(0, 4)):
        at = rng.randrange(len(words))
        groups = [group for group in GROUPS if words[at] in group]
        kind = rng.choice(("alike", "alike", "alike", "drop", "double", "move", "turn"))
        if kind == "alike" and groups:
            words[at] = rng.choice(rng.choice(groups))
        elif kind == "drop" and len(words) > 1:
            del words[at]
        elif kind == "double":
            words.insert(rng.randrange(len(words) + 1), words[at])
        elif kind == "move":
            words.insert(rng.randrange(len(words)), words.pop(at))
        elif kind == "turn":
            words = words[at:] + words[:at]
    for at, word in enumerate(words):
        groups = [group for group in GROUPS if word in group]
        if groups and rng.random() < 0.25:
            words[at] = rng.choice(rng.choice(groups))
    return words


def make_sets(count: int, seed: int = 3) -> list[tuple[str, list[str]]]:
    """Candidates, each with its references."""
    rng = random.Random(seed)
    sentences = [caption.split() for caption in make_clips(40, seed).captions]
    sentences += 2 * [scene.split() for scene in SCENES]
    sets = []
    for _ in range(count):
        sentence, other = rng.sample(sentences, 2)
        candidate = vary(sentence, rng)
        references = [vary(sentence, rng) for _ in range(rng.randint(1, 4))]
        if rng.random() < 0.3:
            references.append(vary(other, rng))
        if rng.random() < 0.1:
            candidate = vary(candidate + sentence, rng)  # a long one, with many ambiguous matches
        if rng.random() < 0.05:
            references = [vary(other, rng)]
        sets.append((" ".join(candidate), [" ".join(each) for each in references]))
    return sets


def ask_meteor(lines: list[str]) -> list[str]:
    """METEOR's answers to lines of its protocol, one each or more."""
    spec = importlib.util.find_spec("pycocoevalcap")
    assert spec is not None and spec.submodule_search_locations
    jar = Path(spec.submodule_search_locations[0]) / "meteor" / "meteor-1.5.jar"
    command = ["java", "-jar", "-Xmx1G", str(jar), "-", "-", "-stdio", "-l", "en", "-norm"]
    command += ["-m", "exact stem synonym", "-w", "1.0 0.6 0.8"]
    done = subprocess.run(command, input="\n".join(lines), capture_output=True, text=True)
    return done.stdout.splitlines()


def main() -> None:
    sets = make_sets(200)
    stats = ask_meteor([" ||| ".join(["SCORE", *its, candidate]) for candidate, its in sets])
    assert len(stats) == len(sets)
    scores = [float(score) for score in ask_meteor([f"EVAL ||| {' ||| '.join(stats)}"])]
    recorded = json.loads(OUT.read_text("utf-8"))  # `words` was recorded from METEOR's normalizer
    recorded |= {"sets": sets, "scores": scores[:-1], "all": scores[-1]}
    rows = [f" {json.dumps(key)}: {_lines(value)}" for key, value in recorded.items()]
    OUT.write_text("{\n" + ",\n".join(rows) + "\n}\n", "utf-8")


def _lines(value: object) -> str:
    if not isinstance(value, list):
        return json.dumps(value)
    rows = [f"  {json.dumps(each, ensure_ascii=False)}" for each in value]
    return "[\n" + ",\n".join(rows) + "\n ]"


if __name__ == "__main__":
    main()
