/** Checks settings in the words of Qdrant, by a table of what each may be; keys it does not know are left out. */
import { invalid } from '../../core/errors.js'
import { LIMITS } from '../../core/limits.js'
import type { QuotaConfig } from '../../core/quotas.js'
import type { HnswTuning, OptimizersConfig, StrictModeConfig, WalConfig } from '../../core/settings.js'

interface Range {
  least: number
  most?: number
  /** Numbers between integers are fine. */
  fraction?: true
  /** A word that may stand for the number. */
  word?: string
}
/** What one setting may be: a number in a range, a boolean, or settings of each vector by its name. */
type Allowed = Range | 'boolean' | { each: Readonly<Record<string, Range>> }

const COUNT: Range = { least: 0 }
const POSITIVE: Range = { least: 1 }

const OPTIMIZERS: Readonly<Record<keyof OptimizersConfig, Allowed>> = {
  deleted_threshold: { least: 0, most: 1, fraction: true },
  vacuum_min_vector_number: { least: 100 },
  default_segment_number: COUNT,
  max_segment_size: POSITIVE,
  memmap_threshold: COUNT,
  indexing_threshold: COUNT,
  flush_interval_sec: COUNT,
  max_optimization_threads: { least: 0, word: 'auto' },
  prevent_unoptimized: 'boolean',
}

const HNSW: Readonly<Record<keyof HnswTuning, Allowed>> = {
  full_scan_threshold: { least: 10 },
  max_indexing_threads: COUNT,
  payload_m: COUNT,
  inline_storage: 'boolean',
}

const WAL: Readonly<Record<keyof WalConfig, Allowed>> = {
  wal_capacity_mb: POSITIVE,
  wal_segments_ahead: COUNT,
  wal_retain_closed: COUNT,
}

const STRICT_MODE: Readonly<Record<keyof StrictModeConfig, Allowed>> = {
  enabled: 'boolean',
  max_query_limit: POSITIVE,
  max_timeout: POSITIVE,
  unindexed_filtering_retrieve: 'boolean',
  unindexed_filtering_update: 'boolean',
  search_max_hnsw_ef: COUNT,
  search_allow_exact: 'boolean',
  search_max_oversampling: { least: 0, fraction: true },
  upsert_max_batchsize: COUNT,
  search_max_batchsize: COUNT,
  max_collection_vector_size_bytes: COUNT,
  max_collection_payload_size_bytes: COUNT,
  read_rate_limit: POSITIVE,
  write_rate_limit: POSITIVE,
  max_points_count: POSITIVE,
  filter_max_conditions: COUNT,
  condition_max_size: COUNT,
  multivector_config: { each: { max_vectors: POSITIVE } },
  sparse_config: { each: { max_length: POSITIVE } },
  max_payload_index_count: COUNT,
  max_resident_memory_percent: { least: 1, most: 100 },
}

const PERCENT: Range = { least: 1, most: 100 }
const QUOTAS: Readonly<Record<keyof QuotaConfig, Allowed>> = {
  enabled: 'boolean',
  max_resident_memory_percent: PERCENT,
  max_disk_usage_percent: PERCENT,
  release_margin_percent: { least: 0, most: 100 },
}

export const optimizersOf = (value: unknown): OptimizersConfig => settingsOf(value, OPTIMIZERS, 'optimizers_config')
export const hnswTuningOf = (value: unknown, field: string): HnswTuning => settingsOf(value, HNSW, field)
export const walOf = (value: unknown): WalConfig => settingsOf(value, WAL, 'wal_config')
export const strictModeOf = (value: unknown): StrictModeConfig => settingsOf(value, STRICT_MODE, 'strict_mode_config')

export const quotasOf = (value: unknown): QuotaConfig => settingsOf(value, QUOTAS, 'quotas')

/** null says nothing, as absence does. */
function settingsOf(value: unknown, table: Readonly<Record<string, Allowed>>, field: string): object {
  if (value === undefined || value === null) return {}
  const given = objectOf(value, field)
  const settings: Record<string, unknown> = {}
  for (const [key, allowed] of Object.entries(table)) {
    const setting = given[key]
    if (setting !== undefined && setting !== null) settings[key] = settingOf(setting, allowed, `${field}.${key}`)
  }
  return settings
}

function settingOf(value: unknown, allowed: Allowed, field: string): unknown {
  if (allowed === 'boolean') {
    if (typeof value !== 'boolean') throw invalid(field, 'expected true or false', value)
    return value
  }
  if ('each' in allowed) {
    const byName = Object.entries(objectOf(value, field))
    if (byName.length > LIMITS.vectorsPerCollection) {
      throw invalid(field, `expected at most ${LIMITS.vectorsPerCollection} vectors`, byName.length)
    }
    return Object.fromEntries(byName.map(([name, one]) => [name, settingsOf(one, allowed.each, `${field}.${name}`)]))
  }
  return numberOf(value, allowed, field)
}

function numberOf(value: unknown, { least, most = Number.MAX_SAFE_INTEGER, fraction, word }: Range, field: string) {
  if (word !== undefined && value === word) return value
  const isNumber = typeof value === 'number' && (fraction ? Number.isFinite(value) : Number.isInteger(value))
  if (!isNumber || value < least || value > most) {
    const kind = fraction ? 'a number' : 'an integer'
    const orWord = word === undefined ? '' : `${word} or `
    throw invalid(field, `expected ${orWord}${kind} from ${least} to ${most}`, value)
  }
  return value
}

function objectOf(value: unknown, field: string): Record<string, unknown> {
  if (value === null || typeof value !== 'object' || Array.isArray(value) || ArrayBuffer.isView(value)) {
    throw invalid(field, 'expected an object', value ?? null)
  }
  return value as Record<string, unknown>
}
