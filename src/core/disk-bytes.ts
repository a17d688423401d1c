/** Bytes on disk of each open collection of this process, as measured after its opening and with each cleaning of its folder. */
export interface DiskParts {
  log: number
  table: number
  segments: number
}

export const diskBytes = new Map<string, DiskParts>()
