/** Log lines for people: the time, the level, the message, and then the facts as `key=value`. */

const LEVEL_WIDTH = 5
const TIME_AT = 11
const TIME_CHARS = 12
/** Control characters could change the display of a terminal. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g

interface Lines {
  write(line: string): void
}

/** Takes lines of JSON, and writes them readable. A line that is none is passed on as it is. */
export class ReadableLog implements Lines {
  readonly #to: Lines

  constructor(to: Lines) {
    this.#to = to
  }

  write(line: string): void {
    this.#to.write(readable(line))
  }
}

function readable(line: string): string {
  let parsed: Record<string, unknown>
  try {
    parsed = JSON.parse(line) as Record<string, unknown>
  } catch {
    return line
  }
  const { time, level, msg, err, ...facts } = parsed
  const clock = String(time).slice(TIME_AT, TIME_AT + TIME_CHARS)
  const told = Object.entries(facts).map(([key, value]) => ` ${key}=${textOf(value)}`)
  const stack = (err as { stack?: unknown } | undefined)?.stack
  const below = typeof stack === 'string' ? stack.split('\n').map((part) => `\n    ${printable(part)}`) : []
  const head = `${clock} ${String(level).toUpperCase().padEnd(LEVEL_WIDTH)} ${printable(String(msg ?? ''))}`
  return `${head}${told.join('')}${below.join('')}\n`
}

function textOf(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return /^[\x21\x23-\x7e]+$/.test(text) || typeof value !== 'string'
    ? printable(text)
    : printable(JSON.stringify(text))
}

function printable(text: string): string {
  return text.replace(CONTROL, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
