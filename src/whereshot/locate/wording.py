"""The sentences of an answer, as templates, and the limits of the numbers in them.

``locate.words`` fills them in for the command line. ``scripts/write_shared_constants.py`` writes every public name of
this module into ``web/src/shared.ts``, and the web page fills them in for the browser. A part in braces is filled in.
"""

from __future__ import annotations

from whereshot.evidence.base import SILENT_NATS as SILENT_NATS

NEARLY_CERTAIN = 0.995
"""From this probability on, an answer has the text ``OVER`` instead of a number."""
OVER = "over 99 %"
NEARLY_IMPOSSIBLE = 0.01
"""Below this probability, an answer has the text ``UNDER`` instead of a number."""
UNDER = "under 1 %"

METRES_BELOW_KM = 1
"""Shorter distances are given in whole metres."""
DECIMAL_BELOW_KM = 10
"""Shorter distances have one decimal of a kilometre, longer ones two significant digits."""

MOST_NATS = 16
"""A likelihood ratio is given as at most e to the power of this."""
DECIMAL_BELOW_TIMES = 10
"""Smaller likelihood ratios have one decimal."""
WHOLE_BELOW_TIMES = 100
"""Smaller likelihood ratios are whole numbers, larger ones have one significant digit."""
TIMES = "{ratio} times"

NO_PLACE = "at sea"
PROBABLE = 0.5
"""From this probability on, and below 90 %, an answer says ``PROBABLY``."""
PROBABLY = "Probably {name} ({percent})"
"""Of the likeliest place, with the probability within 25 km of it; else of the likeliest country."""
LIKELIEST_PLACE = "The single likeliest place is {name} ({percent} within {distance})."
"""Of the answer, where the sentence before it names another country."""
AROUND = "Around {name}"
"""Of the answer's place where 90 % lie within a distance of it, and no place and no country is probable."""
LIMITED = "Limited to {name}"
"""Of an answer that no place in the user's own area is probable for."""
POINTS_ELSEWHERE = "what was read points to {country} ({percent} without the limit), not to {name}"
"""Of an answer that the user limited to another area."""
NOT_SURE = "Not sure"
NO_ANSWER = "No answer"
STATES = {
    "all": ("All", "all photos"),
    "sure": ("Sure", "a named street, city, region or country holds at least 90 % of the probability"),
    "unsure": ("Unsure", "no named place holds 90 % of the probability"),
    "failed": ("Failed", "the photo has no answer"),
}
"""How sure an answer is, in a list of photos: the word, and what it means."""
NEAR_CANDIDATE = "Probabilities within {distance} of each place."
"""Under a list of likely places."""
SURE = {
    "street": "Sure to within 1 km, in {name} ({percent}).",
    "city": "Sure of the city: {name} ({percent}).",
    "region": "Sure of the region: {name} ({percent}).",
    "country": "Sure of the country: {name} ({percent}).",
}
"""Used only where the named place itself holds at least 90 % of the probability."""
SURE_SHORT = "{name} ({percent})"
"""Of the same place, where there is room for a few words only."""
IN_COUNTRY = "{name}, {country}"
WITHIN = "{percent} within {distance}"
HALF_EARTH_KM = 10_000
"""A circle of this radius is half of the Earth, and its radius says nothing to people."""
OVER_HALF_EARTH = "{percent} only on more than half of the Earth"
"""Of a circle of a larger radius, instead of ``WITHIN``."""
WITHIN_ALONE = "{percent} within {distance}."
"""Used where no country holds 90 %, but a circle around the answer does."""
BY_COUNTRY = "By country: {countries}."
COUNTRY_SHARE = "{country} {percent}"
BEST_GUESS = "Best guess: near {name}."
"""Of the town of the answer, where only its region or country is sure and no place is probable."""

READ = "Read"
RECORDED = "Recorded"
SEEN = "Seen"
"""For writing that is not read although its script is known."""
WRITING = "Writing in {script}: {texts}."
"""For lines that were read in a script other than Latin."""
IN_LATIN = '"{text}" ({latin})'
"""For a line in a script other than Latin, with its form in Latin letters."""
MOST_LINES_SHOWN = 5
"""The most lines of a script that are shown; the number of further lines is added."""
MORE_LINES = "{texts}, and {count} more"
LANGUAGE_TAGS = {
    "Arabic": "und-Arab", "Armenian": "hy", "Bengali": "bn", "Cyrillic": "und-Cyrl", "Devanagari": "und-Deva",
    "Ethiopic": "und-Ethi", "Georgian": "ka", "Greek": "el", "Gujarati": "gu", "Gurmukhi": "pa", "Han": "und-Hani",
    "Hangul": "ko", "Hebrew": "he", "Hiragana": "ja", "Kannada": "kn", "Katakana": "ja", "Khmer": "km", "Lao": "lo",
    "Malayalam": "ml", "Myanmar": "my", "Oriya": "or", "Sinhala": "si", "Tamil": "ta", "Telugu": "te", "Thai": "th",
}  # fmt: skip
"""The language that a page states for text in a script, by the script's name in Unicode; "und" for several languages.

Browsers choose the font by it, and screen readers the voice."""
ANSWER = "the answer"
CLAIM = "the claim"
LIKELIER = "likelier"
LESS_LIKELY = "less likely"
ONLY_PRIOR = "{means}; the answer is only where photos are usually taken."
UNUSABLE = "{means}."
DID_NOT_MOVE = "{verb} {what}: {means}; did not move {subject}."
MOVED = "{verb} {what}: {means}; made {subject} {times} {direction}."

RECORDED_BY_CAMERA = "Recorded by the camera"
OFF_ANSWER = "{distance} from this answer{used}"
NOT_USED = ", and not used for it"

FROM_LOOK = "From the look of the whole picture; no text in it helped."
"""On the page, of an answer that no evidence moved."""
NO_SIGHTS = (
    "This model reads text and knows no sights, and no text in the picture helped: the answer is only where photos are "
    "usually taken."
)
"""On the page, below the title of the same answer by a model that looks at no picture."""
READS_TEXT = "This model reads text in a photo, such as signs. It knows no sights."
"""On the page, before the first photo, of the same model."""
TAP = "Tap"
"""What a visitor of the page does without a mouse."""
CLICK = "Click"
"""What a visitor of the page does with a mouse."""
