// The results of `--parts scale`: a table, the claim about it, and curves over the number of rows as SVG.
import { qpsAt, TARGET_RECALL } from './rates.mjs'
import { fixed, mb, round, table } from './table.mjs'

const SYSTEMS = ['vicinal', 'hnswlib']
const COLOURS = { vicinal: '#d62728', hnswlib: '#1f77b4' }
const MEASURES = [
  { title: `queries a second at recall ${TARGET_RECALL}, one thread`, of: ({ rows }) => qpsAt(rows) ?? 0 },
  { title: 'seconds to build, two threads', of: ({ build }) => build.wallSeconds },
  { title: 'resident MB, opened and asked', of: ({ rss }) => rss / 1e6 },
  { title: 'seconds to open, first answer included', of: ({ openSeconds }) => openSeconds },
]

export function scaleTable({ points }) {
  const heads = ['rows', 'system', 'QPS at .95', '.90', 'build s (CPU s)', 'RSS opened', 'open s']
  const rows = points.map(({ size, system, build, rss, openSeconds, rows: sweep }) => [
    round(size),
    system,
    round(qpsAt(sweep)),
    round(qpsAt(sweep, 0.9)),
    `${fixed(build.wallSeconds, 1)} (${fixed(build.cpuSeconds, 1)})`,
    mb(rss),
    fixed(openSeconds, 3),
  ])
  return table(heads, rows)
}

export function* scaleVerdict({ points }) {
  const kept = SYSTEMS.map((system) => {
    const own = points.filter((point) => point.system === system)
    const [first, last] = [own[0], own.at(-1)].map(({ rows }) => qpsAt(rows))
    return { first, last, share: first === null || last === null ? null : last / first }
  })
  const [ours, theirs] = kept
  const [least, most] = [points[0].size, points.at(-1).size].map(round)
  yield {
    check: `scale: QPS at ${most} rows over QPS at ${least}, beside hnswlib's`,
    // Where hnswlib does not get there, nothing is shown.
    pass: ours.share !== null && theirs.share !== null && ours.share >= theirs.share,
    value: fixed(ours.share, 3),
    bound: `≥ ${fixed(theirs.share, 3)}`,
    detail: `${round(ours.last)} / ${round(ours.first)} QPS, hnswlib ${round(theirs.last)} / ${round(theirs.first)}`,
  }
}

const PANEL = { width: 430, height: 260, left: 70, right: 20, top: 44, bottom: 40 }
const TICKS = 4

/** Four panels; the number of rows to the right on a logarithmic scale, each measure upwards from zero. */
export function scalePlot({ points }) {
  const panels = MEASURES.map((measure, at) => {
    const [x, y] = [(at % 2) * PANEL.width, Math.floor(at / 2) * PANEL.height]
    return `<g transform="translate(${x} ${y})">${panel(points, measure)}</g>`
  })
  const size = `${2 * PANEL.width} ${2 * PANEL.height}`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="#fff"/>
${panels.join('\n')}
</svg>
`
}

function panel(points, { title, of }) {
  const sizes = [...new Set(points.map(({ size }) => size))]
  const span = Math.log(sizes.at(-1) / sizes[0]) || 1
  const x = (size) => PANEL.left + (Math.log(size / sizes[0]) / span) * (PANEL.width - PANEL.left - PANEL.right)
  const top = Math.max(...points.map(of)) || 1
  const y = (value) => PANEL.height - PANEL.bottom - (value / top) * (PANEL.height - PANEL.top - PANEL.bottom)
  const parts = [text(PANEL.left, 20, title, 'font-weight="bold"')]
  for (let tick = 0; tick <= TICKS; tick++) {
    const value = (top * tick) / TICKS
    const ends = `x1="${PANEL.left}" x2="${PANEL.width - PANEL.right}"`
    parts.push(`<line ${ends} y1="${y(value)}" y2="${y(value)}" stroke="#ddd"/>`)
    parts.push(text(PANEL.left - 6, y(value) + 4, value < 10 ? fixed(value) : round(value), 'text-anchor="end"'))
  }
  for (const size of sizes) {
    parts.push(text(x(size), PANEL.height - PANEL.bottom + 18, round(size), 'text-anchor="middle"'))
  }
  SYSTEMS.forEach((system, at) => {
    const own = points.filter((point) => point.system === system)
    const path = own.map((point) => `${x(point.size).toFixed(1)},${y(of(point)).toFixed(1)}`)
    parts.push(`<polyline points="${path.join(' ')}" fill="none" stroke="${COLOURS[system]}" stroke-width="2"/>`)
    for (const place of path) {
      const [cx, cy] = place.split(',')
      parts.push(`<circle cx="${cx}" cy="${cy}" r="3" fill="${COLOURS[system]}"/>`)
    }
    parts.push(text(PANEL.left + at * 80, 38, system, `fill="${COLOURS[system]}"`))
  })
  return parts.join('\n')
}

const text = (x, y, value, attributes) => `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${value}</text>`
