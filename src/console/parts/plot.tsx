import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'

export interface Line {
  name: string
  values: readonly (number | null)[]
  /** A custom property of the style sheet. */
  colour: string
  text(value: number): string
}

const HEIGHT = 190
/** Room and font of the name beside an axis, in pixels. */
export const AXIS_NAME = { labelSize: 18, labelFont: '12px sans-serif', labelGap: 2 }

interface Parts {
  title: string
  /** The quantity of the upright axis, with its unit. */
  measure: string
  /** Seconds since 1970. */
  times: readonly number[]
  lines: readonly Line[]
  /** Stands in place of lines that have no value yet. */
  none?: string
}

/** Lines over time, from the second figure on: an axis of one figure spans years. */
export function Plot({ title, measure, times, lines, none }: Parts) {
  const isEmpty = lines.every(({ values }) => values.every((value) => value === null))
  return (
    <figure class="plot">
      <figcaption>{title}</figcaption>
      {times.length > 1 && !(isEmpty && none) ? (
        <Drawing title={title} measure={measure} times={times} lines={lines} />
      ) : (
        <p class="quiet" style={{ minHeight: HEIGHT }}>
          {times.length > 1 ? none : 'Drawn once there are two figures.'}
        </p>
      )}
    </figure>
  )
}

function Drawing({ title, measure, times, lines }: Parts) {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const names = lines.map(({ name }) => name).join()
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new plot is only needed for other lines
  useEffect(() => {
    const within = place.current as HTMLDivElement
    const drawn = new uPlot(optionsOf(within, lines, measure), dataOf(times, lines), within)
    plot.current = drawn
    const resized = new ResizeObserver(() => drawn.setSize({ width: within.clientWidth, height: HEIGHT }))
    resized.observe(within)
    return () => {
      resized.disconnect()
      drawn.destroy()
    }
  }, [names])
  useEffect(() => plot.current?.setData(dataOf(times, lines)), [times, lines])
  const last = lines.map(({ name, values, text }) => {
    const value = values.at(-1)
    return `${name} ${value === null || value === undefined ? 'none' : text(value)}`
  })
  return <div ref={place} role="img" aria-label={`${title}: now ${last.join(', ')}. ${measure} over time`} />
}

function dataOf(times: readonly number[], lines: readonly Line[]): uPlot.AlignedData {
  return [[...times], ...lines.map(({ values }) => [...values])]
}

function optionsOf(within: HTMLElement, lines: readonly Line[], measure: string): uPlot.Options {
  const style = getComputedStyle(within)
  const colour = (name: string) => style.getPropertyValue(name)
  const axis = { stroke: colour('--quiet'), grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } }
  const text = lines[0]?.text ?? String
  return {
    width: within.clientWidth,
    height: HEIGHT,
    cursor: { drag: { x: false, y: false } },
    scales: { y: { range: (_, __, max) => [0, max > 0 ? max * 1.1 : 1] } },
    axes: [
      { ...axis, ...AXIS_NAME, label: 'Time' },
      { ...axis, ...AXIS_NAME, label: measure, size: 70, values: (_, values) => values.map(text) },
    ],
    series: [
      {},
      ...lines.map((line) => ({
        label: line.name,
        stroke: colour(line.colour),
        width: 2,
        value: (_: uPlot, value: number | null) => (value === null ? '–' : line.text(value)),
      })),
    ],
  }
}
