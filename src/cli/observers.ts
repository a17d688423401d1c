/** Opens traces, the audit log and the lines about recovery for `serve`. */
import { VicinalError } from '../core/errors.js'
import type { Tracing } from '../core/tracing.js'
import { type WorkDone, workTimes } from '../core/work-times.js'
import type { LineFile } from '../disk/line-file.js'
import type { SharingDatabase } from '../engine/database/sharing.js'
import type { Server } from '../server/app.js'
import { collectionInfos } from '../server/collection-infos.js'
import { VERSION } from '../server/versions.js'
import { asksForTraces, openTracing } from '../tracing/open.js'
import type { Parsed } from './parse-settings.js'
import type { SERVE_SETTINGS } from './settings.js'

const MS_PER_SECOND = 1000

export interface Observers {
  tracing: Tracing | null
  isTraced: boolean
  audit: LineFile | null
  auditLog: string | null
  /** Called once the file of the audit log is opened anew, on SIGHUP. */
  onHangup(listener: () => void): void
  close(): Promise<void>
}

export async function openObservers(settings: Parsed<keyof typeof SERVE_SETTINGS>): Promise<Observers> {
  const endpoint = settings.text('otlpEndpoint')
  // The SDK reads the variable, in every thread.
  if (endpoint !== undefined) process.env.OTEL_EXPORTER_OTLP_ENDPOINT = endpoint
  const isTraced = asksForTraces()
  const auditLog = settings.text('auditLog') ?? null
  const audit = auditLog === null ? null : await auditFile(auditLog)
  const tracing = isTraced ? await openTracing(VERSION) : null
  let onReopened = () => {}
  const onSignal = () => void audit?.reopen().then(onReopened)
  process.on('SIGHUP', onSignal)
  return {
    tracing,
    isTraced,
    audit,
    auditLog,
    onHangup(listener) {
      onReopened = listener
    },
    async close() {
      process.off('SIGHUP', onSignal)
      await Promise.all([tracing?.close(), audit?.close()])
    },
  }
}

async function auditFile(path: string): Promise<LineFile> {
  const { openAuditFile } = await import('../server/audit-file.js')
  return await openAuditFile(path).catch((cause: Error) => {
    throw new VicinalError('IO_FAILED', `--audit-log: ${cause.message}`, { cause })
  })
}

/**
 * One line once the database is open. Collections open with their first use. So the line tells how many may have
 * records in their logs to bring back. Each of them gets its own line at its first use.
 */
export function logRecovery(log: Server['log'], opening: Promise<SharingDatabase>): () => void {
  const startMs = performance.now()
  const secondsSince = (ms: number, until = performance.now()) => Number(((until - ms) / MS_PER_SECOND).toFixed(3))
  const listener = ({ kind, facts, startMs: sinceMs, endMs, error }: WorkDone) => {
    if (kind !== 'recovery' || error !== undefined) return
    const told = { ...facts, seconds: secondsSince(sinceMs, endMs) }
    if (Number(facts.records) > 0) log.info(told, 'recovered')
    else log.debug(told, 'opened a collection')
  }
  workTimes.listeners.add(listener)
  opening
    .then(async (database) => {
      const seconds = secondsSince(startMs)
      const { open, closed, failed } = await collectionInfos(database)
      const unclosed = closed.filter(({ counts }) => counts === null).length
      log.info({ collections: open.length + closed.length + failed.length, unclosed, seconds }, 'opened')
    })
    .catch(() => undefined)
  return () => void workTimes.listeners.delete(listener)
}
