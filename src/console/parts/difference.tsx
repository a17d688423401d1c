/** The lines that a change takes away and adds. */
import { writeJson } from '../service/exact-json'

export interface Line {
  text: string
  kind: 'same' | 'gone' | 'new'
}

/** Lines shown on either side of a change. */
const AROUND = 2

/** By the longest common subsequence of lines, which is small enough: settings have hundreds of lines. */
export function linesBetween(before: string, after: string): Line[] {
  const [a, b] = [before.split('\n'), after.split('\n')]
  const width = b.length + 1
  const common = new Uint32Array((a.length + 1) * width)
  const at = (i: number, j: number) => common[i * width + j] as number
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      common[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
    }
  }
  const lines: Line[] = []
  let [i, j] = [0, 0]
  while (i < a.length || j < b.length) {
    const text = a[i] as string
    if (i < a.length && j < b.length && text === b[j]) {
      lines.push({ text, kind: 'same' })
      i++
      j++
    } else if (i < a.length && (j === b.length || at(i + 1, j) >= at(i, j + 1))) {
      lines.push({ text, kind: 'gone' })
      i++
    } else lines.push({ text: b[j++] as string, kind: 'new' })
  }
  return lines
}

/** Settings before and after, as JSON; unchanged lines are shown next to changes alone. */
export function Difference({ before, after }: { before: unknown; after: unknown }) {
  const lines = linesBetween(textOf(before), textOf(after))
  const isNear = (at: number) =>
    lines.slice(Math.max(0, at - AROUND), at + AROUND + 1).some(({ kind }) => kind !== 'same')
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a part that scrolls must be reached by the keyboard
    <section class="code" aria-label="The change" tabIndex={0}>
      <pre>
        {lines.map(({ text, kind }, at) => {
          if (kind === 'gone') return <del key={`${at} gone`}>{`− ${text}\n`}</del>
          if (kind === 'new') return <ins key={`${at} new`}>{`+ ${text}\n`}</ins>
          return isNear(at) ? `  ${text}\n` : null
        })}
      </pre>
    </section>
  )
}

function textOf(value: unknown): string {
  return value === undefined ? '' : writeJson(value, null, 2)
}
