/** Bytes on disk of each open collection of this process, as measured when its folder was cleaned last. */
export interface DiskParts {
  log: number
  table: number
  segments: number
}

export const diskBytes = new Map<string, DiskParts>()
