/** The settings for users: as `--help` and as the table of docs/settings.md. */
import type { Setting } from './settings.js'

/** The settings as lines for `--help`. */
export function helpLines(table: Readonly<Record<string, Setting>>): string[] {
  const rows = Object.values(table).map((entry) => [
    entry.flag
      ? `--${entry.flag}${entry.kind === 'switch' ? '' : ` ${entry.kind === 'integer' ? 'N' : 'TEXT'}`}`
      : entry.environment,
    entry.description + (entry.fallback === null || entry.fallback === false ? '' : ` (default ${entry.fallback})`),
  ])
  const width = Math.max(...rows.map(([left]) => (left as string).length))
  return rows.map(([left, right]) => `  ${(left as string).padEnd(width)}  ${right}`)
}

/** The settings as a Markdown table, for docs/settings.md. */
export function markdownTable(table: Readonly<Record<string, Setting>>): string {
  const code = (text: string | number | boolean | null) => (text === null || text === false ? '' : `\`${text}\``)
  const rows = Object.values(table).map(
    (entry) =>
      `| ${code(entry.flag && `--${entry.flag}`)} | ${code(entry.environment)} | ${code(entry.key)} | ${code(entry.fallback)} | ${entry.description} |`,
  )
  return ['| flag | environment | file | default | |', '| --- | --- | --- | --- | --- |', ...rows].join('\n')
}
