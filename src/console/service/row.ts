/** A row of a file on its way into a collection. */
export type Value = Record<string, unknown>

/** A row: as text where the file has it as JSON, so that it is sent as it is, and as a value to look at. */
export interface Row {
  text?: string
  /** Null where the row is no object. The service tells why. */
  value: Value | null
  /** Why the reader of the file refuses the row. */
  fault?: string
  /** The line of the file, from 1, where the file has a row on each. */
  line?: number
}
