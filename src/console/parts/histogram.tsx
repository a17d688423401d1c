/** Bars of equal width from the least value to the greatest. */
export function Histogram({
  label,
  counts,
  ends,
  measure,
}: {
  label: string
  counts: readonly number[]
  /** The quantity that the bars divide, from one end to the other. */
  measure: string
  ends: [string, string]
}) {
  const most = Math.max(1, ...counts)
  return (
    <figure class="histogram">
      <svg role="img" aria-label={label} viewBox={`0 0 ${counts.length} 20`} preserveAspectRatio="none">
        {counts.map((count, at) => {
          const height = (20 * count) / most
          return (
            // biome-ignore lint/suspicious/noArrayIndexKey: a bar is its place
            <rect key={at} x={at + 0.05} y={20 - height} width={0.9} height={height} />
          )
        })}
      </svg>
      <figcaption class="quiet small row">
        <span>{ends[0]}</span>
        <span>
          {measure}; the highest bar has {most}
        </span>
        <span>{ends[1]}</span>
      </figcaption>
    </figure>
  )
}
