/** Draws points by WebGL. It has their places on the screen and their colours alone. */
import * as twgl from 'twgl.js'
import { PALETTE } from './colours'

/** The centre of the view, and its half width in terms of the points' coordinates, where 1 shows all. */
export interface View {
  x: number
  y: number
  zoom: number
}

export const WHOLE: View = { x: 0, y: 0, zoom: 0.95 }
export const MOST_ZOOM = 2_000
const LEAST_ZOOM = 0.5

/** Marks of points: bits of their second byte. */
export const CHOSEN = 1
export const LIT = 2

const VERTEX = `#version 300 es
in vec2 position;
in float colour;
in float mark;
uniform vec2 centre;
uniform vec2 scale;
uniform float size;
uniform bool hasChosen;
uniform vec3 palette[${PALETTE.length}];
uniform vec3 lit;
out vec4 shade;
void main() {
  bool isChosen = mod(mark, 2.0) >= 1.0;
  bool isLit = mark >= ${LIT}.0;
  gl_Position = vec4((position - centre) * scale, isLit ? -0.5 : 0.0, 1.0);
  gl_PointSize = isLit ? size * 2.0 + 4.0 : isChosen ? size + 1.0 : size;
  float opacity = isLit ? 1.0 : hasChosen && !isChosen ? 0.15 : 0.8;
  shade = vec4((isLit ? lit : palette[int(colour)]) * opacity, opacity);
}`
const FRAGMENT = `#version 300 es
precision mediump float;
in vec4 shade;
out vec4 drawn;
void main() {
  float edge = length(gl_PointCoord - 0.5);
  if (edge > 0.5) discard;
  drawn = shade;
}`
const LIT_COLOUR = [0.95, 0.1, 0.35]

export class Scatter {
  readonly #canvas: HTMLCanvasElement
  readonly #gl: WebGL2RenderingContext
  readonly #program: twgl.ProgramInfo
  #buffers: twgl.BufferInfo | null = null
  #frame = 0
  #view = WHOLE
  #hasChosen = false

  /** Throws where the browser has no WebGL 2. */
  constructor(canvas: HTMLCanvasElement) {
    const gl = canvas.getContext('webgl2', { antialias: false, preserveDrawingBuffer: true })
    if (!gl) throw new Error('This browser has no WebGL 2, by which the map is drawn.')
    this.#canvas = canvas
    this.#gl = gl
    this.#program = twgl.createProgramInfo(gl, [VERTEX, FRAGMENT])
  }

  setPoints(x: Float32Array, y: Float32Array, colours: Uint8Array, marks: Uint8Array): void {
    const position = new Float32Array(2 * x.length)
    for (let at = 0; at < x.length; at++) {
      position[2 * at] = x[at] as number
      position[2 * at + 1] = y[at] as number
    }
    this.#free()
    this.#hasChosen = marks.some((mark) => (mark & CHOSEN) !== 0)
    this.#buffers = twgl.createBufferInfoFromArrays(this.#gl, {
      position: { numComponents: 2, data: position },
      colour: { numComponents: 1, data: colours, normalize: false },
      mark: { numComponents: 1, data: marks, normalize: false },
    })
    this.#later()
  }

  setView(view: View): void {
    this.#view = view
    this.#later()
  }

  /** Draws again, as after a change of size. */
  resize(): void {
    this.#later()
  }

  close(): void {
    cancelAnimationFrame(this.#frame)
    this.#free()
    this.#gl.getExtension('WEBGL_lose_context')?.loseContext()
  }

  #free(): void {
    for (const { buffer } of Object.values(this.#buffers?.attribs ?? {})) this.#gl.deleteBuffer(buffer)
    this.#buffers = null
  }

  #later(): void {
    cancelAnimationFrame(this.#frame)
    this.#frame = requestAnimationFrame(() => this.#draw())
  }

  #draw(): void {
    const gl = this.#gl
    twgl.resizeCanvasToDisplaySize(this.#canvas, devicePixelRatio)
    gl.viewport(0, 0, gl.canvas.width, gl.canvas.height)
    gl.clearColor(0, 0, 0, 0)
    gl.clear(gl.COLOR_BUFFER_BIT)
    if (!this.#buffers) return
    gl.enable(gl.BLEND)
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA)
    gl.useProgram(this.#program.program)
    twgl.setBuffersAndAttributes(gl, this.#program, this.#buffers)
    const { width, height } = gl.canvas
    const side = Math.min(width, height)
    const { x, y, zoom } = this.#view
    twgl.setUniforms(this.#program, {
      centre: [x, y],
      scale: [(zoom * side) / width, (zoom * side) / height],
      size: sizeOf(this.#buffers.numElements, zoom) * devicePixelRatio,
      hasChosen: this.#hasChosen,
      palette: PALETTE.flatMap(partsOf),
      lit: LIT_COLOUR,
    })
    twgl.drawBufferInfo(gl, this.#buffers, gl.POINTS)
  }
}

/** Pixels of a point: many points are small ones, and grow where one looks closer. */
function sizeOf(points: number, zoom: number): number {
  return Math.max(1.5, Math.min(9, (500 * zoom ** 0.5) / Math.sqrt(points + 1) ** 0.9))
}

function partsOf(colour: string): number[] {
  return [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
}

/** Places on the screen, in CSS pixels of the canvas, and back. */
export class Screen {
  constructor(
    private readonly view: View,
    private readonly width: number,
    private readonly height: number,
  ) {}

  /** Pixels of one unit. */
  get unit(): number {
    return (this.view.zoom * Math.min(this.width, this.height)) / 2
  }

  toScreen(x: number, y: number): [number, number] {
    return [this.width / 2 + (x - this.view.x) * this.unit, this.height / 2 - (y - this.view.y) * this.unit]
  }

  toPoints(left: number, top: number): [number, number] {
    return [this.view.x + (left - this.width / 2) / this.unit, this.view.y - (top - this.height / 2) / this.unit]
  }

  /** The view after a zoom by a factor around this place. */
  zoomed(factor: number, left = this.width / 2, top = this.height / 2): View {
    const zoom = Math.max(LEAST_ZOOM, Math.min(MOST_ZOOM, this.view.zoom * factor))
    const [x, y] = this.toPoints(left, top)
    const kept = this.view.zoom / zoom
    return { x: x + (this.view.x - x) * kept, y: y + (this.view.y - y) * kept, zoom }
  }

  moved(right: number, down: number): View {
    return { ...this.view, x: this.view.x - right / this.unit, y: this.view.y + down / this.unit }
  }
}

/** The place of the nearest point, if it is within `most`; -1 otherwise. */
export function nearestTo(points: { x: Float32Array; y: Float32Array }, x: number, y: number, most: number): number {
  let [best, least] = [-1, most ** 2]
  for (let at = 0; at < points.x.length; at++) {
    const distance = ((points.x[at] as number) - x) ** 2 + ((points.y[at] as number) - y) ** 2
    if (distance <= least) [best, least] = [at, distance]
  }
  return best
}

/** Places of the points within a closed line (by the number of edges that a ray to the right crosses). */
export function within(
  points: { x: Float32Array; y: Float32Array },
  line: readonly (readonly [number, number])[],
): number[] {
  const [lefts, tops] = [line.map(([x]) => x), line.map(([, y]) => y)]
  const [left, right, bottom, top] = [Math.min(...lefts), Math.max(...lefts), Math.min(...tops), Math.max(...tops)]
  const found: number[] = []
  for (let at = 0; at < points.x.length; at++) {
    const [x, y] = [points.x[at] as number, points.y[at] as number]
    if (x < left || x > right || y < bottom || y > top) continue
    let isInside = false
    for (let edge = 0, before = line.length - 1; edge < line.length; before = edge++) {
      const [[ax, ay], [bx, by]] = [line[edge] as readonly [number, number], line[before] as readonly [number, number]]
      if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) isInside = !isInside
    }
    if (isInside) found.push(at)
  }
  return found
}
