import { invalid } from './errors.js'

/** A Date as an RFC 3339 date-time. */
export function dateText(date: Date, field: string): string {
  if (Number.isNaN(date.getTime())) throw invalid(field, 'expected a date that is valid', date)
  return date.toISOString()
}
