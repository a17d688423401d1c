import { useEffect, useRef, useState } from 'preact/hooks'
import { nearestTo, Scatter, Screen, type View, WHOLE, within } from '../../map/scatter'

/** Pixels around a click within which a point is meant. */
const REACH = 12
/** Pixels that a pointer moves in a click. */
const STILL = 4
const STEP = 60
const ZOOM_STEP = 1.4

export interface Label {
  x: number
  y: number
  text: string
}

interface Parts {
  x: Float32Array
  y: Float32Array
  colours: Uint8Array
  /** Bits CHOSEN and LIT of each point. */
  marks: Uint8Array
  labels: readonly Label[]
  picked: number | null
  name: string
  onPick: (place: number) => void
  onSelect: (places: number[]) => void
}

/** Points that can be moved, looked at closer, picked and encircled, by the pointer or the keyboard. */
export function MapView({ x, y, colours, marks, labels, picked, name, onPick, onSelect }: Parts) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const scatter = useRef<Scatter | null>(null)
  const [view, setView] = useState<View>(WHOLE)
  const [size, setSize] = useState({ width: 1, height: 1 })
  const [line, setLine] = useState<[number, number][] | null>(null)
  const [encircles, setEncircles] = useState(false)
  const [error, setError] = useState<Error | null>(null)
  useEffect(() => {
    const within = canvas.current as HTMLCanvasElement
    try {
      scatter.current = new Scatter(within)
    } catch (failure) {
      setError(failure as Error)
    }
    const resized = new ResizeObserver(() => {
      setSize({ width: within.clientWidth, height: within.clientHeight })
      scatter.current?.resize()
    })
    resized.observe(within)
    return () => {
      resized.disconnect()
      scatter.current?.close()
    }
  }, [])
  useEffect(() => scatter.current?.setPoints(x, y, colours, marks), [x, y, colours, marks])
  useEffect(() => scatter.current?.setView(view), [view])
  const screen = new Screen(view, size.width, size.height)
  const pickAt = (left: number, top: number, reach: number) => {
    const place = nearestTo({ x, y }, ...screen.toPoints(left, top), reach / screen.unit)
    if (place >= 0) onPick(place)
  }
  const selectWithin = (corners: readonly (readonly [number, number])[]) =>
    onSelect(
      within(
        { x, y },
        corners.map(([left, top]) => screen.toPoints(left, top)),
      ),
    )
  const seen = () =>
    selectWithin([
      [0, 0],
      [size.width, 0],
      [size.width, size.height],
      [0, size.height],
    ])
  const events = usePointer({ screen, encircles, line, setLine, setView, pickAt, selectWithin })
  const centre = [size.width / 2, size.height / 2] as const
  const byKey: Record<string, () => void> = {
    ArrowLeft: () => setView(screen.moved(STEP, 0)),
    ArrowRight: () => setView(screen.moved(-STEP, 0)),
    ArrowUp: () => setView(screen.moved(0, STEP)),
    ArrowDown: () => setView(screen.moved(0, -STEP)),
    '+': () => setView(screen.zoomed(ZOOM_STEP)),
    '=': () => setView(screen.zoomed(ZOOM_STEP)),
    '-': () => setView(screen.zoomed(1 / ZOOM_STEP)),
    '0': () => setView(WHOLE),
    Enter: () => pickAt(...centre, Math.hypot(size.width, size.height)),
    s: seen,
  }
  const pressed = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    byKey[event.key]?.()
    if (byKey[event.key]) event.preventDefault()
  }
  const mark = picked === null ? null : screen.toScreen(x[picked] as number, y[picked] as number)
  return (
    <>
      <div class="row" role="toolbar" aria-label="Tools of the map">
        <button type="button" class="plain" aria-pressed={encircles} onClick={() => setEncircles(!encircles)}>
          Encircle points
        </button>
        <button type="button" class="plain" onClick={seen}>
          Choose what is in view
        </button>
        <button type="button" class="plain" aria-label="Closer" onClick={() => setView(screen.zoomed(ZOOM_STEP))}>
          +
        </button>
        <button type="button" class="plain" aria-label="Farther" onClick={() => setView(screen.zoomed(1 / ZOOM_STEP))}>
          −
        </button>
        <button type="button" class="plain" onClick={() => setView(WHOLE)}>
          Whole map
        </button>
      </div>
      {error && <p class="error">{error.message}</p>}
      <div
        class={`map ${encircles ? 'encircles' : ''}`}
        role="application"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: an application is worked by the keyboard
        tabIndex={0}
        aria-label={`Map of ${name}`}
        aria-describedby="map-keys"
        onKeyDown={pressed}
        {...events}
      >
        <canvas ref={canvas} />
        <svg aria-hidden="true">
          {labels.map((label) => {
            const [left, top] = screen.toScreen(label.x, label.y)
            return (
              <text key={`${label.text} ${label.x}`} x={left} y={top}>
                {label.text}
              </text>
            )
          })}
          {line && <polygon points={line.map((corner) => corner.join()).join(' ')} />}
          {mark && <circle cx={mark[0]} cy={mark[1]} r="9" />}
        </svg>
      </div>
      <p id="map-keys" class="quiet small">
        Drag to move, turn the wheel to look closer, click on a point. By keyboard: arrows move, + and − look closer or
        farther, 0 shows all, Enter picks the point nearest to the middle, S chooses what is in view.
      </p>
    </>
  )
}

interface Pointer {
  screen: Screen
  encircles: boolean
  line: [number, number][] | null
  setLine: (line: [number, number][] | null) => void
  setView: (view: View) => void
  pickAt: (left: number, top: number, reach: number) => void
  selectWithin: (corners: [number, number][]) => void
}

/** Moves, encircles or picks. */
function usePointer({ screen, encircles, line, setLine, setView, pickAt, selectWithin }: Pointer) {
  const held = useRef<{ at: [number, number]; moved: number } | null>(null)
  const placeOf = (event: MouseEvent): [number, number] => {
    const { left, top } = (event.currentTarget as HTMLElement).getBoundingClientRect()
    return [event.clientX - left, event.clientY - top]
  }
  return {
    onPointerDown: (event: PointerEvent) => {
      if (event.button !== 0) return
      ;(event.currentTarget as HTMLElement).setPointerCapture(event.pointerId)
      held.current = { at: placeOf(event), moved: 0 }
      if (encircles) setLine([placeOf(event)])
    },
    onPointerMove: (event: PointerEvent) => {
      const before = held.current
      if (!before) return
      const at = placeOf(event)
      const [right, down] = [at[0] - before.at[0], at[1] - before.at[1]]
      held.current = { at, moved: before.moved + Math.hypot(right, down) }
      if (line) setLine([...line, at])
      else setView(screen.moved(right, down))
    },
    onPointerUp: (event: PointerEvent) => {
      const before = held.current
      held.current = null
      if (line) {
        setLine(null)
        if (line.length > 2) selectWithin(line)
      } else if (before && before.moved < STILL) pickAt(...placeOf(event), REACH)
    },
    onPointerCancel: () => {
      held.current = null
      setLine(null)
    },
    onWheel: (event: WheelEvent) => {
      event.preventDefault()
      setView(screen.zoomed(Math.exp(-event.deltaY / 300), ...placeOf(event)))
    },
  }
}
