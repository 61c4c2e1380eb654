/** The legend of the colours and outlines of the map. */
export function Legend({ ramp }: { ramp: readonly string[] }) {
  return (
    <div class="legend" title="Probability per area, on one scale for all photos">
      <span>low</span>
      <svg viewBox={`0 0 ${ramp.length * 10} 8`} preserveAspectRatio="none" aria-hidden="true">
        {ramp.map((color, number) => (
          <rect key={color} x={number * 10} width="10.5" height="8" fill={color} />
        ))}
      </svg>
      <span>high</span>
      <span class="legend-outline legend-50">50 %</span>
      <span class="legend-outline legend-90">90 %</span>
    </div>
  );
}
