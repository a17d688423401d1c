import { QuotaConfig, type QuotaStatus } from '../core/quotas.js'
import { read } from '../core/vocabulary/reader.js'

interface WireUsage {
  resident_memory_percent: number
  disk_usage_percent: number | null
}

export function quotaUsageToWire({ residentMemoryPercent, diskUsagePercent }: QuotaStatus['usage']): WireUsage {
  return { resident_memory_percent: residentMemoryPercent, disk_usage_percent: diskUsagePercent }
}

export function quotasOfWire(result: unknown): QuotaStatus {
  const { config, usage, peers } = result as {
    config: object
    usage: WireUsage
    peers?: Record<string, { exceeded: boolean }>
  }
  return {
    config: { enabled: false, ...read(QuotaConfig, config, 'wire') },
    usage: { residentMemoryPercent: usage.resident_memory_percent, diskUsagePercent: usage.disk_usage_percent },
    exceeded: Object.values(peers ?? {}).some(({ exceeded }) => exceeded),
  }
}
