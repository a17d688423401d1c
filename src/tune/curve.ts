/**
 * Draws the curves as SVG: recall to the right, queries per second upwards on a logarithmic scale, one line for each
 * configuration.
 */
import { QUANTIZATIONS } from '../core/schema.js'
import type { Pace, Trial } from './configurations.js'

const WIDTH = 940
const MARGIN = { left: 80, right: 270, top: 48, bottom: 56 }
const LEAST_HEIGHT = 520
const LEGEND_LINE = 20
const COLOURS = ['#1f77b4', '#7f7f7f', '#2ca02c', '#ff7f0e', '#d62728']
const RECALL_STEP = 0.05
const STEPS_OF_A_DECADE = [1, 2, 5]

interface Scale {
  x(recall: number): number
  y(rate: number): number
  leastRecall: number
  low: number
  high: number
  height: number
}

export function curves(title: string, trials: readonly Trial[], askedRecall: number): string {
  const scale = scaleOf(trials)
  const parts = [...axes(scale), ...mark(askedRecall, scale), ...trials.flatMap((trial, at) => curve(trial, at, scale))]
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${scale.height}" font-family="sans-serif" font-size="13">
<rect width="${WIDTH}" height="${scale.height}" fill="#fff"/>
${text(MARGIN.left, 28, title, 'font-size="16" font-weight="bold"')}
${parts.join('\n')}
</svg>
`
}

function scaleOf(trials: readonly Trial[]): Scale {
  const paces = trials.flatMap((trial) => trial.paces)
  const rates = paces.map((pace) => pace.queriesPerSecond)
  const low = 10 ** Math.floor(Math.log10(Math.min(...rates)))
  const high = Math.max(low * 10, 10 ** Math.ceil(Math.log10(Math.max(...rates))))
  const worst = Math.min(...paces.map((pace) => pace.recall))
  const leastRecall = Math.min(1 - RECALL_STEP, Math.floor(worst / RECALL_STEP) * RECALL_STEP)
  const height = Math.max(LEAST_HEIGHT, MARGIN.top + MARGIN.bottom + trials.length * LEGEND_LINE)
  const [left, right] = [MARGIN.left, WIDTH - MARGIN.right]
  const [top, bottom] = [MARGIN.top, height - MARGIN.bottom]
  return {
    leastRecall,
    low,
    high,
    height,
    x: (recall) => left + ((recall - leastRecall) / (1 - leastRecall)) * (right - left),
    y: (rate) => bottom - (Math.log10(rate / low) / Math.log10(high / low)) * (bottom - top),
  }
}

function axes({ x, y, leastRecall, low, high, height }: Scale): string[] {
  const parts: string[] = []
  const ticks = Math.round((1 - leastRecall) / RECALL_STEP)
  for (let tick = 0; tick <= ticks; tick++) {
    const recall = leastRecall + ((1 - leastRecall) * tick) / ticks
    parts.push(line(x(recall), y(low), x(recall), y(high), '#ddd'))
    parts.push(text(x(recall), y(low) + 20, recall.toFixed(2), 'text-anchor="middle"'))
  }
  for (let decade = low; decade <= high; decade *= 10) {
    for (const step of decade === high ? [1] : STEPS_OF_A_DECADE) {
      const rate = decade * step
      parts.push(line(x(leastRecall), y(rate), x(1), y(rate), '#ddd'))
      parts.push(text(x(leastRecall) - 8, y(rate) + 4, rate.toLocaleString('en-US'), 'text-anchor="end"'))
    }
  }
  parts.push(text((x(leastRecall) + x(1)) / 2, height - 14, 'recall@10', 'text-anchor="middle"'))
  const middle = (y(low) + y(high)) / 2
  const turned = `text-anchor="middle" transform="rotate(-90 18 ${middle.toFixed(1)})"`
  return [...parts, text(18, middle, 'queries a second, one at a time', turned)]
}

/** A dashed line at the recall asked for. */
function mark(recall: number, { x, y, leastRecall, low, high }: Scale): string[] {
  if (recall < leastRecall) return []
  return [line(x(recall), y(low), x(recall), y(high), '#333', ' stroke-dasharray="2 4"')]
}

/** The colour shows the codes, the width shows M, and dashes mean vectors on disk. */
function curve({ configuration, paces }: Trial, at: number, { x, y }: Scale): string[] {
  const { quantization, m, onDisk } = configuration
  const colour = COLOURS[QUANTIZATIONS.indexOf(quantization)] as string
  const style = `stroke="${colour}" stroke-width="${m < 16 ? 1 : m > 16 ? 3 : 2}"${onDisk ? ' stroke-dasharray="6 4"' : ''}`
  const points = frontier(paces).map(({ recall, queriesPerSecond }) => [
    x(recall).toFixed(1),
    y(queriesPerSecond).toFixed(1),
  ])
  const legendX = WIDTH - MARGIN.right + 16
  const legendY = MARGIN.top + 12 + at * LEGEND_LINE
  return [
    `<polyline points="${points.map((point) => point.join(',')).join(' ')}" fill="none" ${style}/>`,
    ...points.map(([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="3" fill="${colour}"/>`),
    `<line x1="${legendX}" y1="${legendY - 5}" x2="${legendX + 30}" y2="${legendY - 5}" ${style}/>`,
    text(legendX + 38, legendY, `${quantization}, m ${m}${onDisk ? ', vectors on disk' : ''}`),
  ]
}

/** Leaves out points that another one beats in speed and recall. Sorted by rising recall. */
function frontier(paces: readonly Pace[]): Pace[] {
  const isBeaten = (pace: Pace) =>
    paces.some(
      (other) => other !== pace && other.recall >= pace.recall && other.queriesPerSecond > pace.queriesPerSecond,
    )
  return paces.filter((pace) => !isBeaten(pace)).sort((a, b) => a.recall - b.recall)
}

function line(x1: number, y1: number, x2: number, y2: number, colour: string, more = ''): string {
  const ends = `x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}"`
  return `<line ${ends} stroke="${colour}"${more}/>`
}

function text(x: number, y: number, value: string, attributes = ''): string {
  const escaped = value.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${escaped}</text>`
}
