const FILE_HEADER_BYTES = 48
const RECORD_HEADER_BYTES = 28

/** Offsets of the last records of a log file; docs/data-format.md has its layout. */
export function lastRecords(bytes: Buffer, count: number): number[] {
  const offsets: number[] = []
  for (let at = FILE_HEADER_BYTES; at < bytes.length; at += RECORD_HEADER_BYTES + bytes.readUInt32LE(at)) {
    offsets.push(at)
  }
  return offsets.slice(-count)
}
