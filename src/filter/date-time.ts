const DATE_TIME =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(Z|[+-]\d{2}(?::?\d{2})?)?)?$/i

/**
 * Microseconds since the epoch of an RFC 3339 date-time; null if the text is none. A date alone means its midnight, and
 * a time without a zone is UTC, as in Qdrant. The kernel has the same grammar (native/filter/date_time.cpp); a test
 * compares the two.
 */
export function parseDateTime(text: string): bigint | null {
  const parts = DATE_TIME.exec(text)
  if (!parts) return null
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  if (month < 1 || month > 12 || day < 1 || day > daysOf(year, month) || hour > 23 || minute > 59 || second > 59)
    return null
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  date.setUTCHours(hour, minute, second)
  const micros = BigInt((parts[7] ?? '').padEnd(6, '0').slice(0, 6))
  const offsetMinutes = zoneMinutes(parts[8])
  if (offsetMinutes === null) return null
  return BigInt(date.getTime()) * 1000n + micros - BigInt(offsetMinutes) * 60_000_000n
}

function daysOf(year: number, month: number): number {
  const date = new Date(0)
  date.setUTCFullYear(year, month, 0)
  return date.getUTCDate()
}

function zoneMinutes(zone: string | undefined): number | null {
  if (zone === undefined || zone.toUpperCase() === 'Z') return 0
  const digits = zone.slice(1).replace(':', '').padEnd(4, '0')
  const hours = Number(digits.slice(0, 2))
  const minutes = Number(digits.slice(2))
  if (hours > 23 || minutes > 59) return null
  return (zone[0] === '-' ? -1 : 1) * (hours * 60 + minutes)
}
