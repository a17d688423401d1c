import { formatBytes } from '../terminal/bytes.js'
import { type Configuration, fits, isSame, paceAt, reaches, type Trial, type Wanted } from './configurations.js'

const HEAD = ['codes', 'm', 'vectors', 'build s', 'memory', 'ask for', 'recall@10', 'p50 ms', 'p99 ms', 'queries/s', '']
/** Text columns are left-aligned, numbers right-aligned. */
const IS_TEXT = [true, false, true, false, false, false, false, false, false, false, true]

/**
 * The measured trials, one line each: the finalists first, then the others, the fastest first. The last column names
 * the goal that a trial misses.
 */
export function table(
  trials: readonly Trial[],
  wanted: Wanted,
  { present, final, chosen }: { present: Configuration; final: readonly Trial[]; chosen: Configuration | null },
): string[] {
  const speed = (trial: Trial) => paceAt(trial, wanted.recall).queriesPerSecond
  const isFinal = (trial: Trial) => Number(final.includes(trial))
  const rows = [...trials]
    .sort((a, b) => isFinal(b) - isFinal(a) || speed(b) - speed(a))
    .map((trial) => {
      const { configuration, buildSeconds, memoryBytes } = trial
      const pace = paceAt(trial, wanted.recall)
      const remarks = [
        ...(chosen && isSame(configuration, chosen) ? ['chosen'] : []),
        ...(isSame(configuration, present) ? ['now'] : []),
        ...(final.includes(trial) ? ['final'] : []),
        ...(reaches(pace, wanted.recall) ? [] : ['recall is missed']),
        ...(fits(trial, wanted) ? [] : ['too large']),
      ]
      return [
        configuration.quantization,
        String(configuration.m),
        configuration.onDisk ? 'on disk' : 'in memory',
        buildSeconds.toFixed(1),
        formatBytes(memoryBytes),
        String(pace.asked),
        pace.recall.toFixed(4),
        pace.p50Ms.toFixed(3),
        pace.p99Ms.toFixed(3),
        Math.round(pace.queriesPerSecond).toLocaleString('en'),
        remarks.join(', '),
      ]
    })
  return aligned([HEAD, ...rows])
}

function aligned(rows: readonly string[][]): string[] {
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => (row[column] as string).length)))
  return rows.map((row) =>
    row
      .map((cell, column) =>
        IS_TEXT[column] ? cell.padEnd(widths[column] as number) : cell.padStart(widths[column] as number),
      )
      .join('  ')
      .trimEnd(),
  )
}
