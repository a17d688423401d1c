// A Markdown table with its columns in line, and how its numbers are written.

export function table(heads, rows) {
  const cells = [heads, ...rows].map((row) => row.map(String))
  const widths = heads.map((_, column) => Math.max(...cells.map((row) => row[column].length)))
  const line = (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`
  return [line(cells[0]), rule, ...cells.slice(1).map(line)].join('\n')
}

export const round = (value) =>
  value === null || value === undefined ? '–' : Math.round(value).toLocaleString('en-US')
export const fixed = (value, digits = 2) => (value === null || value === undefined ? '–' : value.toFixed(digits))
export const mb = (bytes) => (bytes === undefined ? '–' : `${(bytes / 1e6).toFixed(1)} MB`)
