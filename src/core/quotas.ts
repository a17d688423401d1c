import Type, { type Static } from 'typebox'
import { integer, optional } from './vocabulary/declare.js'

const percent = (description: string, minimum = 1) => optional(integer({ description, minimum, maximum: 100 }))

/** Bounds on the node's use of memory and disk. An absent bound means none. */
export const QuotaConfig = Type.Object(
  {
    enabled: optional(Type.Boolean({ description: 'The limits only apply if this is `true`.' })),
    maxResidentMemoryPercent: percent(
      'Percent of the memory of the machine or container. From this use on, writes that take memory are refused.',
    ),
    maxDiskUsagePercent: percent(
      'Percent of the file system with the data folder. From this use on, writes that take disk are refused.',
    ),
    releaseMarginPercent: percent(
      'Percentage points by which use must fall below its limit before writes are accepted again.',
      0,
    ),
  },
  { $id: 'QuotaConfig', description: 'Bounds on the use of the node. An absent limit is none.' },
)
export type QuotaConfig = Static<typeof QuotaConfig>

/** The quotas and the present use, in percent. */
export interface QuotaStatus {
  /** The quotas. */
  config: QuotaConfig & { enabled: boolean }
  /** Present use, in percent. */
  usage: {
    residentMemoryPercent: number
    /** null in memory. */
    diskUsagePercent: number | null
  }
  /** Whether writes are refused now. */
  exceeded: boolean
}
