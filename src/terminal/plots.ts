/** Small plots of one line, as text. */

const BARS = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█']
const FULL = '█'
const EMPTY = '·'

/** A histogram of one character a part; a part with anything in it is never blank. */
export function histogram(counts: readonly number[]): string {
  const most = Math.max(1, ...counts)
  const bar = (count: number) => BARS[count === 0 ? 0 : Math.max(1, Math.round((count / most) * (BARS.length - 1)))]
  return counts.map(bar).join('')
}

/** A share from 0 to 1 as a bar. */
export function shareBar(share: number, width = 20): string {
  const filled = Math.round(Math.min(1, Math.max(0, share)) * width)
  return FULL.repeat(filled) + EMPTY.repeat(width - filled)
}
