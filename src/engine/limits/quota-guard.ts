import { totalmem } from 'node:os'
import { VicinalError } from '../../core/errors.js'
import { QuotaConfig, type QuotaStatus } from '../../core/quotas.js'
import { read } from '../../core/vocabulary/reader.js'
import { snakeCase } from '../../core/vocabulary/spelling.js'
import { type MapRoom, mapRoom } from '../memory/map-room.js'

/** How long a measured disk fill is used: measuring takes a system call, and the fill changes slowly. */
const DISK_FRESH_MS = 1_000
const RETRY_AFTER_MS = 1_000

type Resource = 'memory' | 'disk'
const LIMITS_OF = { memory: 'maxResidentMemoryPercent', disk: 'maxDiskUsagePercent' } as const

export interface QuotaParts {
  nowMs(): number
  /** null if the database has no disk. */
  diskPercent(): Promise<number | null>
  memoryPercent?(): number
}

/** Refuses writes that take memory or disk while the node is at its quota. */
export class QuotaGuard {
  /** The bound on memory maps comes from the system and applies whatever the quotas. */
  readonly maps: MapRoom
  readonly #parts: QuotaParts
  #config: QuotaConfig = {}
  #trouble: VicinalError | null = null
  /** Resources that reached their limit and have not yet fallen below it by the margin. */
  readonly #over = new Set<Resource>()
  #disk: { percent: number | null; atMs: number } | null = null

  constructor(parts: QuotaParts, maps: MapRoom = mapRoom) {
    this.#parts = parts
    this.maps = maps
  }

  set(config: QuotaConfig): void {
    this.#config = config
    this.#trouble = null
    this.#over.clear()
  }

  /** Takes the quotas as they were saved. */
  async load(saved: Promise<unknown>): Promise<void> {
    await saved.then(
      (config) => this.set(read(QuotaConfig, config ?? {}, 'library', 'quotas')),
      (error: VicinalError) => this.setTrouble(error),
    )
  }

  /** The quotas cannot be read. Collections stay in use, reading the quotas fails, and setting them again heals it. */
  setTrouble(error: VicinalError): void {
    this.#trouble = error
  }

  /** Runs before a write that takes memory or disk. Costs nothing while no quota is enabled. */
  async check(): Promise<void> {
    if (!this.#config.enabled) return
    const usage = await this.#usage()
    for (const resource of ['memory', 'disk'] as const) {
      if (!this.#isOver(resource, usage[resource])) continue
      const bound = this.#config[LIMITS_OF[resource]] as number
      const field = snakeCase(LIMITS_OF[resource])
      const seen = (usage[resource] as number).toFixed(1)
      throw new VicinalError('RESOURCE_EXHAUSTED', `quota: ${field} of ${bound} reached: ${seen}% are in use`, {
        details: { field: `quotas.${field}`, bound, seen: usage[resource] },
        retryAfterMs: RETRY_AFTER_MS,
      })
    }
  }

  async status(): Promise<QuotaStatus> {
    if (this.#trouble) throw this.#trouble
    const { memory, disk } = await this.#usage()
    const exceeded = [this.#isOver('memory', memory), this.#isOver('disk', disk)].includes(true)
    return {
      config: { ...this.#config, enabled: this.#config.enabled ?? false },
      usage: { residentMemoryPercent: Math.round(memory), diskUsagePercent: disk && Math.round(disk) },
      exceeded: this.#config.enabled === true && exceeded,
    }
  }

  #isOver(resource: Resource, percent: number | null): boolean {
    const limit = this.#config[LIMITS_OF[resource]]
    if (limit === undefined || percent === null) return false
    const margin = this.#over.has(resource) ? (this.#config.releaseMarginPercent ?? 0) : 0
    const isOver = margin > 0 ? percent > limit - margin : percent >= limit
    if (isOver) this.#over.add(resource)
    else this.#over.delete(resource)
    return isOver
  }

  async #usage(): Promise<{ memory: number; disk: number | null }> {
    const nowMs = this.#parts.nowMs()
    if (!this.#disk || nowMs - this.#disk.atMs >= DISK_FRESH_MS) {
      this.#disk = { percent: await this.#parts.diskPercent(), atMs: nowMs }
    }
    return { memory: this.#parts.memoryPercent?.() ?? residentPercent(), disk: this.#disk.percent }
  }
}

/** Resident bytes as a share of the memory that the process may have: the machine's, or its container's limit. */
export function residentPercent(): number {
  const constrained = process.constrainedMemory?.() ?? 0
  const total = constrained > 0 && constrained < totalmem() ? constrained : totalmem()
  return (process.memoryUsage.rss() / total) * 100
}
