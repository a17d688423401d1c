import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { VicinalError } from '../core/errors.js'
import { type CollectionMemory, type MemoryPart, partsOf } from '../core/memory.js'
import { Disk } from '../disk/disk.js'
import { makeShard, tableShard } from '../engine/config/shard-spec.js'
import { open } from '../engine/database/open.js'
import { checkCleanEnd, findEnd, listLogFiles } from '../log/recovery.js'
import { replayFiles } from '../log/replay.js'
import { inspectSegment } from '../native/inspect.js'
import { FileLock } from '../native/lock.js'
import { LanceTable } from '../storage/lance-table.js'
import { type CollectionPaths, LOCK_FILE, listCollections } from '../storage/layout.js'
import { type Manifest, readManifest, type SegmentEntry } from '../storage/manifest.js'
import { layoutOf } from '../storage/table-layout.js'
import { formatBytes } from '../terminal/bytes.js'
import { UsageError } from '../terminal/usage-error.js'
import { memoryOptionsOf } from './memory-limit.js'

const DAMAGED = 1
const COLUMN = 12

/** Reads a whole data folder and describes it. Resolves to 1 if any part is damaged. */
export async function inspect(args: string[]): Promise<number> {
  const [folder, ...rest] = args
  if (folder === undefined || rest.length > 0 || folder.startsWith('-'))
    throw new UsageError('inspect: name one folder')
  if (!existsSync(folder)) throw new VicinalError('NOT_FOUND', `${folder}: no such folder`)
  const limit = memoryOptionsOf(process.env.VICINAL_MEMORY_LIMIT ?? 'auto', 'VICINAL_MEMORY_LIMIT')
  const lock = existsSync(join(folder, LOCK_FILE)) ? FileLock.acquire(join(folder, LOCK_FILE)) : undefined
  if (lock === null) throw new VicinalError('LOCKED', `${folder}: a process writes to it; stop it first`)
  try {
    const disk = new Disk(folder)
    let damages = 0
    const collections = await listCollections(disk)
    for (const paths of collections) damages += await new Inspection(disk, paths).run()
    if (damages === 0) await printMemory(folder, limit)
    const total = await disk.treeBytes('.')
    print(
      `${plural(collections.length, 'collection')}, ${formatBytes(total)}, ${damages === 0 ? 'all checksums right' : `DAMAGED: ${damages}`}`,
    )
    return damages === 0 ? 0 : DAMAGED
  } finally {
    lock?.release()
  }
}

/** Prints the memory that each collection takes in a process that opens the folder. */
async function printMemory(folder: string, limit: { memoryLimitBytes?: number }): Promise<void> {
  const database = await open(folder, { readOnly: true, ...limit })
  try {
    for (const name of await database.collections()) {
      const { memory } = await (await database.collection(name)).info()
      print(`memory of ${name}, once opened`)
      for (const line of memoryLines(memory)) print(`  ${line}`)
    }
  } finally {
    await database.close()
  }
}

/** One collection, checked part by part: a damaged part does not stop the check of the others. */
class Inspection {
  readonly #disk: Disk
  readonly #paths: CollectionPaths
  #damages = 0

  constructor(disk: Disk, paths: CollectionPaths) {
    this.#disk = disk
    this.#paths = paths
  }

  async run(): Promise<number> {
    const { folder } = this.#paths
    let manifest: Manifest | null = null
    await this.#part('manifest', async () => {
      manifest = await readManifest(this.#disk, this.#paths.manifest)
      const { name, tableVersion, flushedSeq, checkpointSeq, createdAt } = manifest
      print(`collection ${name} in ${folder}, made ${createdAt}`)
      return `table version ${tableVersion}, flushed through ${flushedSeq}, segments through ${checkpointSeq}`
    })
    // Without a manifest the names of the other files are unknown.
    if (manifest === null) return this.#damages
    await this.#part('log', () => this.#log(manifest as Manifest))
    await this.#part('table', () => this.#table(manifest as Manifest))
    for (const entry of (manifest as Manifest).segments) await this.#part(entry.file, () => this.#segment(entry))
    if ((manifest as Manifest).segments.some(({ overlay }) => overlay !== null)) {
      await this.#part('overlays', () => this.#overlays(manifest as Manifest))
    }
    return this.#damages
  }

  async #part(name: string, look: () => Promise<string>): Promise<void> {
    try {
      print(`  ok       ${name.padEnd(12)} ${await look()}`)
    } catch (error) {
      if (!(error instanceof VicinalError)) throw error
      this.#damages++
      print(`  DAMAGED  ${name.padEnd(12)} ${error.message}`)
    }
  }
  /** Every record that the table lacks must be whole, and so must the last file up to its end. */
  async #log({ uuid, cleanEnd, flushedSeq }: Manifest): Promise<string> {
    const log = { disk: this.#disk, folder: this.#paths.log, uuid }
    const files = await listLogFiles(log)
    checkCleanEnd(log, files, cleanEnd)
    const last = files.at(-1)
    if (!last) throw new VicinalError('CORRUPT', `${this.#paths.log}: the files of the log are missing`)
    const { lastSeq } = await findEnd(log, last, cleanEnd)
    let records = 0
    for await (const _ of replayFiles(log, files, flushedSeq, lastSeq)) records++
    const size = files.reduce((sum, file) => sum + file.bytes, 0)
    return `${plural(files.length, 'file')}, ${formatBytes(size)}, ${plural(records, 'record')} behind the table`
  }

  /** Lance has no checksums of its own, so each row carries one. */
  async #table(manifest: Manifest): Promise<string> {
    const { name, tableVersion } = manifest
    if (tableVersion === 0) return 'none yet'
    const layout = layoutOf(manifest)
    const spec = { disk: this.#disk, folder: this.#paths.folder, collection: name, vectors: layout.vectors }
    const table = await LanceTable.open(spec, tableVersion, { readOnly: true })
    const shard = tableShard(layout)
    try {
      let rows = 0
      for await (const batch of table.scan(0)) {
        const damaged = await shard.verifyRows(batch)
        if (damaged >= 0) {
          throw new VicinalError('CORRUPT', `${this.#paths.table}: row ${rows + damaged} does not match its checksum`)
        }
        rows += batch.count
      }
      return `${rows} rows, ${await table.countRows()} of them points, ${formatBytes(await table.bytes())}`
    } finally {
      await shard.close()
      await table.close()
    }
  }

  async #segment({ file, bytes: size, overlay }: SegmentEntry): Promise<string> {
    const info = await inspectSegment(this.#disk.absolute(join(this.#paths.segments, file)))
    const vectors = info.vectors.map(
      ({ name, dim, metric, datatype, vertices, indexed }) =>
        `${name || '(unnamed)'} ${dim}-d ${metric} as ${datatype}, ${indexed} of ${vertices} in the graph`,
    )
    const behind = overlay ? `, overlay ${overlay.file} of ${formatBytes(overlay.bytes)}` : ''
    return `segment of ${info.rows} rows, ${formatBytes(size)}${behind}; ${vectors.join('; ')}`
  }

  /** Deletions and payload changes of segments, applied to their segments as an open does. */
  async #overlays(manifest: Manifest): Promise<string> {
    const { segments } = manifest
    const shard = makeShard(manifest, { trackChanges: false })
    const path = (file: string) => this.#disk.absolute(join(this.#paths.segments, file))
    try {
      for (const { file, crc, overlay } of segments) {
        const over = overlay ? { path: path(overlay.file), crc: overlay.crc } : null
        await shard.openSegment({ path: path(file), crc, overlay: over, resume: false })
      }
      return `${shard.stats().points} points after them`
    } finally {
      await shard.close()
    }
  }
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** A collection's memory as lines of a table: bytes held, bytes in RAM, and the part of these that is file cache. */
function memoryLines(memory: CollectionMemory): string[] {
  const rows = [...partsOf(memory)].filter(([, part]) => part.bytes > 0 || part.residentBytes > 0)
  const inFiles = Object.values(memory.vectors).reduce((sum, { inFilesBytes }) => sum + inFilesBytes, 0)
  const named: [string, MemoryPart][] = [...rows, ['total', memory.total]]
  const width = Math.max(...named.map(([name]) => name.length))
  return [
    line('', ['held', 'in RAM', 'of it cache'], width),
    ...named.map(([name, { bytes, residentBytes, cacheBytes }]) =>
      line(name, [bytes, residentBytes, cacheBytes].map(formatBytes), width),
    ),
    ...(inFiles > 0 ? [`${formatBytes(inFiles)} of vectors stay in the segment files`] : []),
  ]
}

function line(name: string, columns: readonly string[], width: number): string {
  return name.padEnd(width) + columns.map((column) => column.padStart(COLUMN)).join('')
}
