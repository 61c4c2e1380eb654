/** Pure functions: the words and numbers of an answer. */
import { expect, test } from "@playwright/test";
import { cutAtDateLine } from "../src/map/dateline";
import { problemWords } from "../src/server";
import { distanceKm, geoScore, greatCircle } from "../src/sphere";
import type { Prediction, SureOf } from "../src/locator";
import { circleWords, distanceWords, evidenceWords, headline, learnedWords, percent, reasonWords, times, writingWords, writtenParts } from "../src/words";

const ANSWER: Prediction = {
  id: "a.jpg",
  latitude: 41.1,
  longitude: 1.4,
  radius_km: 5,
  level: 0.9,
  within: {},
  confident_to: null,
  place: null,
  countries: [],
  candidates: [],
  evidence: [],
  recorded: null,
  error: null,
};

/** A number and its unit stay on one line. */
const unbroken = (text: string) => text.replace(/(?<=\d) /, "\u00a0");

test("probabilities and distances claim no more than they say", () => {
  expect([0.0049, 0.01, 0.5, 0.9949, 0.995].map(percent)).toEqual(
    ["under 1 %", "1 %", "50 %", "99 %", "over 99 %"].map(unbroken),
  );
  expect([0.35, 5.65, 31.4, 9730].map(distanceWords)).toEqual(["350 m", "5.7 km", "31 km", "9,700 km"].map(unbroken));
  expect([7.24, 10_001].map((km) => circleWords(0.9, km))).toEqual(
    ["90 % within 7.2 km of the answer", "90 % only on more than half of the Earth"].map((text) => text.replace(/(?<=\d) /g, "\u00a0")),
  );
  expect([0.5, Math.log(160), -Math.log(2)].map(times)).toEqual(["1.6 times", "200 times", "2.0 times"]);
  expect(evidenceWords({ kind: "text/place", what: "Altafulla", means: "the place", nats: 5.02, box: null })).toBe(
    "Read “Altafulla”: the place; made the answer 200 times likelier.",
  );
});

test("lines in other scripts are quoted by script, and their parts have a language", () => {
  const line = (script: string, text: string) => ({ script, text, confidence: 0.9, box: [0, 0, 9, 9] as [number, number, number, number] });
  const lines = [line("Thai", "ร้านอาหาร"), { ...line("Hebrew", "רחוב 12"), latin: "rchub 12" }, ...Array.from({ length: 6 }, (_, n) => line("Thai", `ถนน ${n}`))];
  expect(writingWords(lines)).toEqual([
    "Writing in Thai: “ร้านอาหาร”, “ถนน 0”, “ถนน 1”, “ถนน 2”, “ถนน 3”, and 2 more.",
    "Writing in Hebrew: “רחוב 12” (rchub 12).",
  ]);
  expect(writtenParts("Read “12 רחוב / Street”: 2.0 times; გორი (gori)")).toEqual([
    { text: "Read “" },
    { text: "12 רחוב / Street", lang: "he" },
    { text: "”: 2.0 times; " },
    { text: "გორი", lang: "ka" },
    { text: " (gori)" },
  ]);
  expect(writtenParts("Read “KIOSK”: 3 km")).toEqual([{ text: "Read “KIOSK”: 3 km" }]);
});

test("an answer's head is only as fine as it is sure", () => {
  const place = { name: "Altafulla", region: "Catalonia", country: null, country_code: "ES" };
  const sure = (level: SureOf["level"], name: string) =>
    headline({ ...ANSWER, place, sure_of: { level, name, country_code: "ES", probability: 0.93 } });
  expect(sure("street", "Altafulla").subtitle).toBe(
    "Catalonia, Spain. Sure to within 1 km, in Altafulla, Spain (93\u00a0%).",
  );
  expect(sure("city", "Altafulla")).toMatchObject({ title: "Altafulla", sure: true });
  expect(sure("region", "Catalonia")).toMatchObject({
    title: "Catalonia",
    subtitle: unbroken("Spain. Sure of the region: Catalonia, Spain (93 %). Best guess: near Altafulla."),
  });
  expect(sure("country", "Spain").subtitle).toBe(
    unbroken("Sure of the country: Spain (93 %). Best guess: near Altafulla."),
  );
  expect(headline(ANSWER)).toMatchObject({ title: "Not sure", sure: false });
});

test("a reason does not repeat the name beside it", () => {
  const failed = (error: string | null) => reasonWords({ ...ANSWER, error }, "a.jpg");
  expect(failed("a.jpg: no picture in a format that can be read")).toBe("No picture in a format that can be read");
  expect([failed("it is empty"), failed(null)]).toEqual(["It is empty", "No answer"]);
});

test("no head is sure of a country that does not hold 90 %", () => {
  const place = { name: "Malmö", region: "Skåne", country: null, country_code: "SE" };
  const countries = [
    { country_code: "SE", probability: 0.45 },
    { country_code: "DK", probability: 0.35 },
  ];
  const near = { ...ANSWER, place, countries, within: { "200": 0.5, "750": 0.93 }, sure_of: null };
  expect(headline({ ...near, confident_to: "country" })).toMatchObject({
    title: "Around Sweden",
    subtitle: "93 % within 750 km. By country: Sweden 45 %, Denmark 35 %.".replace(/(?<=\d) /g, "\u00a0"),
  });
  expect(headline({ ...near, within: { "25": 0.93 } }).title).toBe("Around Malmö");
  const malmo = { latitude: 55.6, longitude: 13, probability: 0.55, place };
  expect(headline({ ...near, within: {}, candidates: [{ ...malmo, probability: 0.2 }, malmo] })).toMatchObject({
    title: unbroken("Probably Malmö, Sweden (55 %)"),
    sure: false,
  });
  const sure = { level: "country" as const, name: "Sweden", country_code: "SE", probability: 0.95 };
  expect(headline({ ...near, candidates: [malmo], sure_of: sure }).subtitle).toBe(
    "Sure of the country: Sweden (95 %). Probably Malmö (55 %).".replace(/(?<=\d) /g, "\u00a0"),
  );
  expect(headline({ ...near, place: null, countries: [], confident_to: "country" }).title).toBe("At sea");
});

test("an answer in another country than the likeliest one is named", () => {
  const place = { name: "Stockholm", region: "Stockholm", country: "Sweden", country_code: "SE" };
  const countries = [
    { country_code: "IN", probability: 0.52 },
    { country_code: "SE", probability: 0.19 },
  ];
  const far = { ...ANSWER, place, countries, within: { "25": 0.06 }, sure_of: null };
  const joined = (text: string) => text.replace(/(?<=\d) /g, "\u00a0");
  const stockholm = "The single likeliest place is Stockholm, Sweden (6 % within 25 km).";
  expect(headline(far)).toMatchObject({
    title: unbroken("Probably India (52 %)"),
    subtitle: joined(`By country: India 52 %, Sweden 19 %. ${stockholm}`),
  });
  const sure = { level: "country" as const, name: "India", country_code: "IN", probability: 0.91 };
  expect(headline({ ...far, sure_of: sure }).subtitle).toBe(joined(`Sure of the country: India (91 %). ${stockholm}`));
  expect(headline({ ...far, countries: [{ country_code: "IN", probability: 0.4 }] }).subtitle).not.toContain("single");
});

test("distances, scores and great circles are those of the sphere", () => {
  const paris = { latitude: 48.8566, longitude: 2.3522 };
  const sydney = { latitude: -33.8688, longitude: 151.2093 };
  expect(distanceKm(paris, sydney)).toBeCloseTo(16_960, -1);
  expect([0, 1492.7, 20_015].map(geoScore)).toEqual([5000, 1839, 0]);
  const line = greatCircle({ latitude: 50, longitude: 170 }, { latitude: 50, longitude: -170 });
  expect(line.at(-1)![0]).toBeCloseTo(190, 6); // on past the date line, not back round the Earth
});

test("polygons end at the date line", () => {
  const cut = cutAtDateLine({
    type: "Feature",
    properties: {},
    // clockwise, as in world-atlas
    geometry: {
      type: "Polygon",
      coordinates: [
        [
          [170, -10],
          [170, 10],
          [-170, 10],
          [-170, -10],
          [170, -10],
        ],
      ],
    },
  });
  expect(cut.geometry.type).toBe("MultiPolygon");
  const longitudes = (cut.geometry.coordinates as number[][][][]).map((polygon) =>
    polygon[0]!.map(([longitude]) => longitude!),
  );
  for (const ring of longitudes) expect(Math.max(...ring) - Math.min(...ring)).toBeLessThan(10.1);
});

test("a server's problem is given in words", () => {
  expect(problemWords(429, null, "7")).toContain("in 7 seconds");
  expect(problemWords(422, { detail: "x", errors: [{ id: "a.jpg", detail: "is empty" }] }, null)).toBe(
    "a.jpg: is empty.",
  );
  expect(problemWords(400, { title: "Bad Request", detail: "top is a whole number" }, null)).toBe(
    "Top is a whole number.",
  );
  expect(problemWords(502, "<html>", null)).toBe("The server answered 502 without a reason.");
});

test("the gallery says what the model learned from, and never more than is known", () => {
  expect(learnedWords()).toBe("It is not known whether it learned from these photos.");
  expect(learnedWords({ learned: null, left_out: 0 })).toBe("It is not known whether it learned from these photos.");
  expect(learnedWords({ learned: 0, left_out: 0 })).toBe("It learned from none of these photos.");
  expect(learnedWords({ learned: 12, left_out: 12 })).toBe(
    "It learned from none of these photos: 12 photos that it learned from are left out.",
  );
  expect(learnedWords({ learned: 12, left_out: 0 })).toBe(
    "It learned from 12 of these photos, so the scores are too good.",
  );
});
