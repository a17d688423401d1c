/** Checks the rules, streams and quality that a manifest from outside has. Throws where this build would not write it. */
import { IngestionConfig } from '../../core/ingestion-rules.js'
import { LIMITS } from '../../core/limits.js'
import { QualityReference, RuleDay } from '../../core/quality.js'
import { schemaOf } from '../../core/schema.js'
import { read } from '../../core/vocabulary/reader.js'
import { WORDS_OF_ROW } from '../../ingest/recent-rows.js'
import type { Manifest } from '../../storage/manifest.js'
import { checkQuarantine, checkWithVectors, resolveIngestion } from '../config/ingestion.js'

type Restored = Pick<Manifest, 'name' | 'config' | 'sources' | 'ruleCounts' | 'qualityReference'>

const BYTES_OF_ROW = WORDS_OF_ROW * Uint32Array.BYTES_PER_ELEMENT
const DAY = /^\d{4}-\d{2}-\d{2}$/

export function checkRestoredIngest(manifest: Restored): void {
  checkRules(manifest)
  checkSources(manifest.sources ?? [])
  checkCounts(manifest.ruleCounts ?? [])
  const { qualityReference } = manifest
  if (qualityReference) read(QualityReference, qualityReference, 'library', 'qualityReference')
}

function checkRules({ name, config }: Restored): void {
  if (config.ingestion === undefined) return
  const ingestion = read(IngestionConfig, config.ingestion, 'library', 'ingestion')
  need(
    ingestion.rules.every(({ name }) => name !== undefined),
    'a rule without a name',
  )
  // Vectors may have been dropped since, or made anew as others. Their rules stay.
  resolveIngestion({ ...ingestion, rules: ingestion.rules.map(({ vector: _, ...rule }) => rule) }, [])
  checkWithVectors(ingestion.rules, schemaOf(config))
  checkQuarantine(name, config)
}

function checkSources(sources: NonNullable<Manifest['sources']>): void {
  need(Array.isArray(sources) && sources.length <= LIMITS.ingestSources, 'its sources')
  let rows = 0
  for (const { name, position, recent } of sources) {
    need(typeof name === 'string' && name.length > 0 && isWhole(position), 'a source')
    if (recent === undefined) continue
    const { vectors, rows: encoded } = recent
    need(Array.isArray(vectors) && vectors.every((vector) => typeof vector === 'string'), 'rows of a source')
    need(typeof encoded === 'string', 'rows of a source')
    const { length } = Buffer.from(encoded, 'base64')
    need(length % BYTES_OF_ROW === 0, 'rows of a source')
    rows += length / BYTES_OF_ROW
  }
  // The rows of the source that was written last are kept in any case.
  need(rows <= 2 * LIMITS.keptWindowRows, 'rows of its sources')
}

function checkCounts(days: NonNullable<Manifest['ruleCounts']>): void {
  need(Array.isArray(days) && days.length <= LIMITS.ruleCountDays, 'its counts of rules')
  for (const counts of days) {
    const { day, byRule, accepted, rejected, quarantined, fixed, flagged } = read(RuleDay, counts, 'library', 'counts')
    const sums = [accepted, rejected, quarantined, fixed, flagged, ...Object.values(byRule)]
    need(DAY.test(day) && sums.every(isWhole), 'its counts of rules')
  }
}

function isWhole(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function need(holds: boolean, what: string): void {
  if (!holds) throw new Error(`${what}: not valid`)
}
