/** A photo with boxes that mark the evidence. */
import { useState } from "preact/hooks";
import type { Evidence } from "../locator";
import { movedNothing } from "../words";

interface Props {
  url: string | null;
  name: string;
  evidence: Evidence[];
  /** Is there an answer? A picture that this browser cannot show may have an answer all the same. */
  answered: boolean;
  /** The number of the highlighted evidence. */
  looked: number | null;
  onLook(number: number | null): void;
}

export function PhotoView({ url, name, evidence, answered, looked, onLook }: Props) {
  const [size, setSize] = useState<{ width: number; height: number } | null>(null);
  const [unseen, setUnseen] = useState(false);
  if (url === null || unseen)
    return (
      <p class="photo-unseen">
        {name}{answered && ": this browser cannot show such a picture; the answer holds all the same."}
      </p>
    );
  const loaded = (event: Event) => {
    const { naturalWidth: width, naturalHeight: height } = event.currentTarget as HTMLImageElement;
    setSize({ width, height });
  };
  return (
    <figure class="photo">
      <div class="photo-frame">
        <img src={url} alt={`Your photo ${name}`} onLoad={loaded} onError={() => setUnseen(true)} />
        {size && (
          <svg viewBox={`0 0 ${size.width} ${size.height}`} aria-hidden="true">
            {boxes(evidence, looked).map(([item, number]) => {
              const [left, top, right, bottom] = item.box as [number, number, number, number];
              return (
                <rect
                  key={number}
                  class={looked === number ? "box box-on" : "box"}
                  x={left}
                  y={top}
                  width={right - left}
                  height={bottom - top}
                  rx={size.width / 150}
                  vector-effect="non-scaling-stroke"
                  onMouseEnter={() => onLook(number)}
                  onMouseLeave={() => onLook(null)}
                >
                  <title>{`${item.what}: ${item.means}`}</title>
                </rect>
              );
            })}
          </svg>
        )}
      </div>
    </figure>
  );
}

/**
 * Return the evidence that moved the answer and has a box, with its number. Of several in one box, return the strongest.
 * The language is that of all text together: its wide box is drawn only while it is looked at.
 */
function boxes(evidence: Evidence[], looked: number | null): [Evidence, number][] {
  const best = new Map<string, [Evidence, number]>();
  evidence.forEach((item, number) => {
    if (item.box?.length !== 4 || movedNothing(item)) return;
    if (item.kind === "text/language" && looked !== number) return;
    const key = item.box.join();
    const before = best.get(key);
    if (!before || Math.abs(item.nats) > Math.abs(before[0].nats)) best.set(key, [item, number]);
  });
  return [...best.values()];
}
