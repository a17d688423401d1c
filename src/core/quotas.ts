/** Bounds on what the node may use, in the words of Qdrant's REST API. An absent limit is none. */
export interface QuotaConfig {
  /** Without it none of the limits holds. */
  enabled?: boolean
  /** Of the memory of the machine, or of its container: from there on writes that take memory are refused. */
  max_resident_memory_percent?: number
  /** The same of the file system that has the data folder. */
  max_disk_usage_percent?: number
  /** How many points below its limit use has to fall before writes are taken again. */
  release_margin_percent?: number
}

export interface QuotaStatus {
  config: QuotaConfig & { enabled: boolean }
  usage: {
    resident_memory_percent: number
    /** null in memory. */
    disk_usage_percent: number | null
  }
  /** Whether writes are refused just now. */
  exceeded: boolean
}
