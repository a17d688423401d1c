/**
 * Shows progress in one line. A terminal gets a bar that is redrawn; other outputs, such as log files, get a plain line
 * at intervals.
 */
const REDRAW_MS = 100
const PLAIN_LINE_MS = 10_000
const BAR_CHARS = 24

export interface Output {
  write(text: string): unknown
  isTTY?: boolean
  columns?: number
}

export class Progress {
  readonly #label: string
  readonly #out: Output
  readonly #startedMs: number
  readonly #now: () => number
  #lastMs = 0
  /** Work done before this run; it does not count for the rate. */
  readonly #before: { share: number; count: number }

  constructor(
    label: string,
    options: { out?: Output; now?: () => number; before?: { share: number; count: number } } = {},
  ) {
    this.#label = label
    this.#out = options.out ?? process.stderr
    this.#now = options.now ?? (() => performance.now())
    this.#before = options.before ?? { share: 0, count: 0 }
    this.#startedMs = this.#now()
    this.#lastMs = this.#out.isTTY ? Number.NEGATIVE_INFINITY : this.#startedMs
  }

  /** `share` is the finished share of all work (0 to 1); `count` is the number of finished items. */
  update(share: number, count: number, unit = 'points'): void {
    const now = this.#now()
    if (now - this.#lastMs < (this.#out.isTTY ? REDRAW_MS : PLAIN_LINE_MS)) return
    this.#lastMs = now
    this.#write(this.#line(share, count, unit, now), false)
  }

  finish(count: number, unit = 'points'): void {
    const seconds = (this.#now() - this.#startedMs) / 1000
    const rate = perSecond(count - this.#before.count, seconds)
    this.#write(`${this.#label}: ${count.toLocaleString('en')} ${unit} in ${seconds.toFixed(1)} s (${rate}/s)`, true)
  }

  #line(share: number, count: number, unit: string, now: number): string {
    const seconds = (now - this.#startedMs) / 1000
    const done = share - this.#before.share
    const left = done > 0 ? duration((seconds * (1 - share)) / done) : '?'
    const rate = perSecond(count - this.#before.count, seconds)
    const percent = `${Math.floor(share * 100)}`.padStart(3)
    const filled = Math.round(share * BAR_CHARS)
    const bar = this.#out.isTTY ? ` ${'█'.repeat(filled)}${'░'.repeat(BAR_CHARS - filled)}` : ''
    return `${this.#label}${bar} ${percent} %  ${count.toLocaleString('en')} ${unit}  ${rate}/s  ${left} left`
  }

  #write(line: string, isLast: boolean): void {
    if (!this.#out.isTTY) this.#out.write(`${line}\n`)
    else this.#out.write(`\r\x1b[2K${line.slice(0, (this.#out.columns ?? 120) - 1)}${isLast ? '\n' : ''}`)
  }
}

function perSecond(count: number, seconds: number): string {
  return Math.round(seconds > 0 ? count / seconds : 0).toLocaleString('en')
}

function duration(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
