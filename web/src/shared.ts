/**
 * Numbers and sentences that the page and Python share. Made by scripts/write_shared_constants.py: do not edit.
 * To change a value, change it in Python and run: python scripts/write_shared_constants.py
 */

// whereshot.earth.sphere
export const EARTH_KM = 6371.0088;
export const HALF_CIRCUMFERENCE_KM = 20015.114442035923;

// whereshot.photos.images
export const MAX_PIXELS = 178956970;
export const PICTURE_SUFFIXES = [".avif", ".bmp", ".gif", ".heic", ".heif", ".hif", ".jpe", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"] as const;

// whereshot.photos.emptiness
export const NOTHING_TO_SEE = "nothing to see in this picture";
export const COARSE_CELLS = 32;
export const LEAST_SIDE = 8;
export const EVEN_RANGE = 8;
export const NOISE_CORRELATION = 0.2;
export const NOISE_KURTOSIS = 4.5;

// whereshot.photos.preprocess
export const SQUARE_RATIO = 1.05;
export const LONGEST_RATIO = 16;
export const WHOLE_STRIDE = 32;
export const WHOLE_LONGEST = 3;

// whereshot.posterior.place_shape
export const GOLDEN_DEGREES = 137.50776405003785;
export const R2_STEPS = [0.7548776662466927, 0.5698402909980532] as const;

// whereshot.posterior.place_set
export const WIDE_KM = 3000;

// whereshot.posterior.base
export const MIN_SPREAD_KM = 0.01;

// whereshot.posterior.circles
export const EXACT_PLACES = 256;

// whereshot.posterior.candidates
export const CANDIDATES = 128;
export const FOCUSED = 0.98;
export const CANDIDATE_CELL_LEVEL = 8;
export const FAR = 10;
export const NEAR_KM = 50;
export const GEOSCORE_KM = 1492.7;
export const GEOSCORE_MOST = 5000;

// whereshot.posterior.decision
export const DECIDE_WITHIN_KM = 25;
export const THEN_WITHIN_KM = 1;

// whereshot.posterior.same_place
export const ALBUM_CORRELATION = 0.5;
export const ALBUM_HEAVY = 128;
export const ALBUM_LIGHT = 384;
export const ALBUM_POINTS = 4;

// whereshot.posterior.map_cells
export const MOST_CELLS = 1500;
export const MAP_POINTS = 4096;
export const FINEST_LEVEL = 20;
export const COARSEST_LEVEL = 2;
export const REGIONS = [0.5, 0.9, 1] as const;
export const LEAST_MASS = 0.005;
export const COARSER = 1.5;
export const FEWEST_POINTS = 8;
export const STRAIGHT_LEVEL = 5;

// whereshot.models.readout.memory
export const NEAREST = 10;
export const TINY = 1e-06;

// whereshot.locate.prediction
export const CONFIDENT = 0.9;
export const CONFIDENT_TO = { "1": "street", "25": "city", "200": "region", "750": "country", "2500": "continent" } as const;

// whereshot.locate.answers
export const CANDIDATE_KM = 25;
export const WIDEST_CANDIDATE_KM = 1000;
export const LEAST_COUNTRY_SHARE = 0.001;

// whereshot.server.media_types
export const LINES_TYPE = "application/x-ndjson";

// whereshot.locate.options
export const LEVEL = 0.9;
export const TOP = 5;

// whereshot.server.static_site
export const SITE_FORMAT = 1;

// whereshot.locate.wording
export const SILENT_NATS = 0.05;
export const NEARLY_CERTAIN = 0.995;
export const OVER = "over 99 %";
export const NEARLY_IMPOSSIBLE = 0.01;
export const UNDER = "under 1 %";
export const METRES_BELOW_KM = 1;
export const DECIMAL_BELOW_KM = 10;
export const MOST_NATS = 16;
export const DECIMAL_BELOW_TIMES = 10;
export const WHOLE_BELOW_TIMES = 100;
export const TIMES = "{ratio} times";
export const NO_PLACE = "at sea";
export const PROBABLE = 0.5;
export const PROBABLY = "Probably {name} ({percent})";
export const LIKELIEST_PLACE = "The single likeliest place is {name} ({percent} within {distance}).";
export const AROUND = "Around {name}";
export const LIMITED = "Limited to {name}";
export const POINTS_ELSEWHERE = "what was read points to {country} ({percent} without the limit), not to {name}";
export const NOT_SURE = "Not sure";
export const NO_ANSWER = "No answer";
export const STATES = { "all": ["All", "all photos"] as const, "sure": ["Sure", "a named street, city, region or country holds at least 90 % of the probability"] as const, "unsure": ["Unsure", "no named place holds 90 % of the probability"] as const, "failed": ["Failed", "the photo has no answer"] as const } as const;
export const NEAR_CANDIDATE = "Probabilities within {distance} of each place.";
export const SURE = { "street": "Sure to within 1 km, in {name} ({percent}).", "city": "Sure of the city: {name} ({percent}).", "region": "Sure of the region: {name} ({percent}).", "country": "Sure of the country: {name} ({percent})." } as const;
export const SURE_SHORT = "{name} ({percent})";
export const IN_COUNTRY = "{name}, {country}";
export const WITHIN = "{percent} within {distance}";
export const HALF_EARTH_KM = 10000;
export const OVER_HALF_EARTH = "{percent} only on more than half of the Earth";
export const WITHIN_ALONE = "{percent} within {distance}.";
export const BY_COUNTRY = "By country: {countries}.";
export const COUNTRY_SHARE = "{country} {percent}";
export const BEST_GUESS = "Best guess: near {name}.";
export const READ = "Read";
export const RECORDED = "Recorded";
export const SEEN = "Seen";
export const WRITING = "Writing in {script}: {texts}.";
export const IN_LATIN = "\"{text}\" ({latin})";
export const MOST_LINES_SHOWN = 5;
export const MORE_LINES = "{texts}, and {count} more";
export const LANGUAGE_TAGS = { "Arabic": "und-Arab", "Armenian": "hy", "Bengali": "bn", "Cyrillic": "und-Cyrl", "Devanagari": "und-Deva", "Ethiopic": "und-Ethi", "Georgian": "ka", "Greek": "el", "Gujarati": "gu", "Gurmukhi": "pa", "Han": "und-Hani", "Hangul": "ko", "Hebrew": "he", "Hiragana": "ja", "Kannada": "kn", "Katakana": "ja", "Khmer": "km", "Lao": "lo", "Malayalam": "ml", "Myanmar": "my", "Oriya": "or", "Sinhala": "si", "Tamil": "ta", "Telugu": "te", "Thai": "th" } as const;
export const ANSWER = "the answer";
export const CLAIM = "the claim";
export const LIKELIER = "likelier";
export const LESS_LIKELY = "less likely";
export const ONLY_PRIOR = "{means}; the answer is only where photos are usually taken.";
export const UNUSABLE = "{means}.";
export const DID_NOT_MOVE = "{verb} {what}: {means}; did not move {subject}.";
export const MOVED = "{verb} {what}: {means}; made {subject} {times} {direction}.";
export const RECORDED_BY_CAMERA = "Recorded by the camera";
export const OFF_ANSWER = "{distance} from this answer{used}";
export const NOT_USED = ", and not used for it";
export const FROM_LOOK = "From the look of the whole picture; no text in it helped.";
export const NO_SIGHTS = "This model reads text and knows no sights, and no text in the picture helped: the answer is only where photos are usually taken.";
export const READS_TEXT = "This model reads text in a photo, such as signs. It knows no sights.";
export const TAP = "Tap";
export const CLICK = "Click";

/** The distances in km at which answers are measured, as the keys of `within` spell them. */
export const DISTANCES = Object.keys(CONFIDENT_TO) as Distance[];
export type Distance = keyof typeof CONFIDENT_TO;
/** The level whose distance has 90 %. */
export type ConfidentTo = (typeof CONFIDENT_TO)[Distance];
/** The share of the probability that a region of the map holds. */
export type Region = (typeof REGIONS)[number];
