/** Buttons of an answer: copy it, open it in another map, ask for a street address. */
import { useState } from "preact/hooks";
import { LocateError, type Located } from "../locator";
import { toGeoJSON } from "../geojson";
import { CopyIcon, LinkIcon, PinIcon } from "./icons";

interface Props {
  prediction: Located;
  geocoder: string | null;
}

export function Actions({ prediction, geocoder }: Props) {
  const [status, setStatus] = useState("");
  const copy = (what: string, text: string) => () =>
    navigator.clipboard.writeText(text).then(
      () => setStatus(`${what} copied.`),
      () => setStatus("This browser does not let the page copy."),
    );
  const { latitude, longitude, radius_km } = prediction;
  const place = `${latitude.toFixed(5)},${longitude.toFixed(5)}`;
  const zoom = Math.round(Math.max(2, Math.min(16, 15 - Math.log2(Math.max(radius_km, 0.5)))));
  const map = `https://www.openstreetmap.org/?mlat=${latitude.toFixed(5)}&mlon=${longitude.toFixed(5)}#map=${zoom}/${latitude.toFixed(4)}/${longitude.toFixed(4)}`;
  return (
    <section class="actions" aria-label="Use the answer elsewhere">
      <div class="row">
        <button class="button" onClick={copy("Coordinates", place.replace(",", ", "))}>
          <CopyIcon />
          Coordinates
        </button>
        <button class="button" onClick={copy("GeoJSON", JSON.stringify(toGeoJSON(prediction)))}>
          <CopyIcon />
          GeoJSON
        </button>
        <a class="button" href={map} target="_blank" rel="noopener noreferrer">
          <LinkIcon />
          OpenStreetMap
        </a>
        <a class="button" href={`geo:${place}?z=${zoom}`}>
          <PinIcon />
          Map app
        </a>
      </div>
      <p class="status" role="status">
        {status}
      </p>
      {geocoder && <StreetAddress prediction={prediction} geocoder={geocoder} />}
    </section>
  );
}

/** Asks the geocoder of the server's owner, only after a click of the visitor. */
function StreetAddress({ prediction, geocoder }: { prediction: Located; geocoder: string }) {
  const [address, setAddress] = useState<string | null>(null);
  const host = new URL(geocoder, location.href).host;
  const ask = async () => {
    setAddress("Asking …");
    try {
      setAddress(await streetAddress(geocoder, prediction));
    } catch (error) {
      setAddress(error instanceof LocateError ? error.message : `${host} did not answer.`);
    }
  };
  return (
    <p role="status">
      {address ?? (
        <button class="link" onClick={() => void ask()}>
          Ask {host} for the street address
        </button>
      )}
      {address === null && <span class="quiet"> It receives the position of this answer.</span>}
    </p>
  );
}

async function streetAddress(geocoder: string, { latitude, longitude }: Located): Promise<string> {
  const address = geocoder
    .replace(/\{lat(itude)?\}/, latitude.toFixed(6))
    .replace(/\{(lon|lng|longitude)\}/, longitude.toFixed(6));
  const response = await fetch(address, { headers: { Accept: "application/json" }, credentials: "omit" });
  if (!response.ok) throw new LocateError(`The geocoder answered ${response.status}.`);
  const document = (await response.json()) as {
    display_name?: string;
    features?: { properties?: { label?: string; name?: string } }[];
  };
  const first = document.features?.[0]?.properties;
  return document.display_name ?? first?.label ?? first?.name ?? "The geocoder has no address for this position.";
}
