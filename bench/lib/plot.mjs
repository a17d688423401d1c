// The recall–QPS plot as SVG: recall to the right, queries a second upwards on a logarithmic scale, a line a system.
import { frontierOf, rowsOf } from './rates.mjs'

const WIDTH = 860
const HEIGHT = 520
const MARGIN = { left: 80, right: 190, top: 48, bottom: 56 }
const COLOURS = ['#d62728', '#1f77b4', '#2ca02c', '#9467bd', '#ff7f0e', '#8c564b', '#17becf']
const LEAST_RECALL = 0.8
const RECALL_TICKS = [0.8, 0.85, 0.9, 0.95, 1]

export function plot(title, systems) {
  const lines = linesOf(systems)
  const rates = lines.flatMap(({ points }) => points.map(({ qps }) => qps))
  if (rates.length === 0) return null
  const low = 10 ** Math.floor(Math.log10(Math.min(...rates)))
  const high = 10 ** Math.ceil(Math.log10(Math.max(...rates)))
  const x = (recall) =>
    MARGIN.left + ((recall - LEAST_RECALL) / (1 - LEAST_RECALL)) * (WIDTH - MARGIN.left - MARGIN.right)
  const span = Math.log10(high / low) || 1
  const y = (qps) => HEIGHT - MARGIN.bottom - (Math.log10(qps / low) / span) * (HEIGHT - MARGIN.top - MARGIN.bottom)
  const parts = [...axes(x, y, low, high), ...lines.flatMap((line, i) => curve(line, i, x, y))]
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="13">
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
${text(MARGIN.left, 28, title, 'font-size="16" font-weight="bold"')}
${parts.join('\n')}
</svg>
`
}

/** One thread; the variants of a system are lines of their own. */
function linesOf(systems) {
  return Object.entries(systems)
    .flatMap(([name, { search }]) => {
      const rows = rowsOf(search?.rows ?? [], 1)
      const variants = [...new Set(rows.map((row) => row.variant ?? ''))]
      return variants.map((variant) => ({
        name: variant ? `${name}, ${variant}` : name,
        points: frontierOf(rows.filter((row) => (row.variant ?? '') === variant)).filter(
          (row) => row.recall >= LEAST_RECALL,
        ),
      }))
    })
    .filter(({ points }) => points.length > 0)
}

function axes(x, y, low, high) {
  const parts = []
  for (const recall of RECALL_TICKS) {
    parts.push(
      grid(x(recall), y(low), x(recall), y(high)),
      text(x(recall), y(low) + 20, recall.toFixed(2), 'text-anchor="middle"'),
    )
  }
  for (let decade = low; decade <= high; decade *= 10) {
    for (const step of decade === high ? [1] : [1, 2, 5]) {
      const qps = decade * step
      parts.push(grid(x(LEAST_RECALL), y(qps), x(1), y(qps)))
      parts.push(text(x(LEAST_RECALL) - 8, y(qps) + 4, qps.toLocaleString('en-US'), 'text-anchor="end"'))
    }
  }
  parts.push(text((x(LEAST_RECALL) + x(1)) / 2, HEIGHT - 14, 'recall@10', 'text-anchor="middle"'))
  const middle = (y(low) + y(high)) / 2
  parts.push(
    text(18, middle, 'queries a second, one thread', `text-anchor="middle" transform="rotate(-90 18 ${middle})"`),
  )
  return parts
}

function curve({ name, points }, index, x, y) {
  const colour = COLOURS[index % COLOURS.length]
  const path = points.map(({ recall, qps }) => `${x(recall).toFixed(1)},${y(qps).toFixed(1)}`)
  const legendY = MARGIN.top + 12 + index * 22
  const legendX = WIDTH - MARGIN.right + 16
  return [
    `<polyline points="${path.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`,
    ...path.map((point) => `<circle cx="${point.split(',')[0]}" cy="${point.split(',')[1]}" r="3" fill="${colour}"/>`),
    `<rect x="${legendX}" y="${legendY - 9}" width="18" height="4" fill="${colour}"/>`,
    text(legendX + 26, legendY, name),
  ]
}

const grid = (x1, y1, x2, y2) =>
  `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" stroke="#ddd"/>`

function text(x, y, value, attributes = '') {
  const escaped = String(value).replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${escaped}</text>`
}
