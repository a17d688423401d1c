const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB']

/** A readable size, such as `61.4 MB`. */
export function formatBytes(count: number): string {
  const power = count < 1000 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(count) / 3))
  return `${power === 0 ? count : (count / 1000 ** power).toFixed(1)} ${UNITS[power]}`
}
