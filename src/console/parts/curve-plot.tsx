import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'

const HEIGHT = 260

interface Parts {
  label: string
  /** Rising. */
  x: readonly number[]
  y: readonly number[]
  /** The ends of the axis for the least and the greatest value. */
  xRange(chart: uPlot, least: number, greatest: number): [number, number]
  xText(value: number): string
  yText(value: number): string
  /** Index of the point that is marked. */
  marked: number
}

/** A line through measured points, one of which is marked. */
export function CurvePlot({ label, x, y, xRange, xText, yText, marked }: Parts) {
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
    const drawn = new uPlot(
      {
        width: within.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        cursor: { show: false },
        scales: { x: { time: false, range: xRange }, y: { range: (_, __, max) => [0, max * 1.15] } },
        axes: [
          { ...axis, values: (_, values) => values.map(xText) },
          { ...axis, size: 80, values: (_, values) => values.map(yText) },
        ],
        series: [
          {},
          { stroke: style.getPropertyValue('--first'), width: 2, points: { show: true, size: 8 } },
          { stroke: style.getPropertyValue('--second'), points: { show: true, size: 14, width: 3 } },
        ],
      },
      [[...x], [...y], y.map((value, at) => (at === marked ? value : null))],
      within,
    )
    const resized = new ResizeObserver(() => drawn.setSize({ width: within.clientWidth, height: HEIGHT }))
    resized.observe(within)
    return () => {
      resized.disconnect()
      drawn.destroy()
    }
  }, [x, y, marked])
  return <div class="plot" ref={place} role="img" aria-label={label} />
}
