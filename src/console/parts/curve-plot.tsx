import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import { AXIS_NAME } from './plot'

const HEIGHT = 280
/** Points of one value are so far from each other: of those at one place uPlot draws the first alone. */
const APART = 1e-9

interface Parts {
  /** The quantity along each axis, with its unit. */
  xName: string
  yName: string
  /** Never falling. */
  x: readonly number[]
  y: readonly number[]
  /** The ends of the axis for the least and the greatest value. */
  xRange(least: number): [number, number]
  xText(value: number): string
  yText(value: number): string
  /** Index of the point that is marked. */
  marked: number
}

/** A line through measured points, one of which is marked. */
export function CurvePlot({ xName, yName, x, y, xRange, xText, yText, marked }: Parts) {
  const place = useRef<HTMLDivElement>(null)
  // biome-ignore lint/correctness/useExhaustiveDependencies: texts are functions of the page and never change
  useEffect(() => {
    const within = place.current as HTMLDivElement
    const style = getComputedStyle(within)
    const axis = {
      stroke: style.getPropertyValue('--quiet'),
      grid: { stroke: style.getPropertyValue('--line'), width: 1 },
      ticks: { show: false },
    }
    const places = x.map((value, at) => value + at * APART)
    const [from, to] = xRange(x[0] ?? 0)
    const xEnds: [number, number] = [from, Math.max(to, places.at(-1) ?? to)]
    const drawn = new uPlot(
      {
        width: within.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        cursor: { show: false },
        scales: { x: { time: false, range: () => xEnds }, y: { range: () => [0, Math.max(...y) * 1.15] } },
        axes: [
          { ...axis, ...AXIS_NAME, label: xName, values: (_, values) => values.map(xText) },
          { ...axis, ...AXIS_NAME, label: yName, size: 80, values: (_, values) => values.map(yText) },
        ],
        series: [
          {},
          { stroke: style.getPropertyValue('--first'), width: 2, points: { show: true, size: 8 } },
          { stroke: style.getPropertyValue('--second'), points: { show: true, size: 14, width: 3 } },
        ],
      },
      [places, [...y], y.map((value, at) => (at === marked ? value : null))],
      within,
    )
    const resized = new ResizeObserver(() => drawn.setSize({ width: within.clientWidth, height: HEIGHT }))
    resized.observe(within)
    return () => {
      resized.disconnect()
      drawn.destroy()
    }
  }, [x, y, marked])
  return <div class="plot" ref={place} role="img" aria-label={`${yName} over ${xName}`} />
}
