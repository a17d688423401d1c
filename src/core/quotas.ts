import Type, { type Static } from 'typebox'
import { integer, optional } from './vocabulary/declare.js'

const percent = (description: string, minimum = 1) => optional(integer({ description, minimum, maximum: 100 }))

/** Bounds on the use of the node. An absent limit is none. */
export const QuotaConfig = Type.Object(
  {
    enabled: optional(Type.Boolean({ description: 'Without `true` none of the limits holds.' })),
    maxResidentMemoryPercent: percent(
      'Of the memory of the machine, or of its container: from there on writes that take memory are refused.',
    ),
    maxDiskUsagePercent: percent('The same of the file system that has the data folder.'),
    releaseMarginPercent: percent(
      'Percentage points by which use has to fall below its limit before writes are taken again.',
      0,
    ),
  },
  { $id: 'QuotaConfig', description: 'Bounds on the use of the node. An absent limit is none.' },
)
export type QuotaConfig = Static<typeof QuotaConfig>

export interface QuotaStatus {
  config: QuotaConfig & { enabled: boolean }
  usage: {
    residentMemoryPercent: number
    /** null in memory. */
    diskUsagePercent: number | null
  }
  /** Whether writes are refused just now. */
  exceeded: boolean
}
