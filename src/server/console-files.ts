/** The files of the console, which the build puts into `dist/console`. */
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { VicinalError } from '../core/errors.js'
import { Disk } from '../disk/disk.js'
import { digestOf } from './digest.js'

const FOLDER = fileURLToPath(new URL('../../dist/console/', import.meta.url))
/** The console has a few hundred KiB; this only keeps a mistake of the build out of memory. */
const MOST_BYTES = 16 * 1024 * 1024
const TYPES: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  md: 'text/plain; charset=utf-8',
  svg: 'image/svg+xml',
}
/** Where the page reads the hosts, as it cannot read its own policy. */
const HOSTS = '<meta name="picture-hosts" content="'
/** Scripts, styles and answers come from the service itself, and pictures of payloads from data URIs and allowed hosts. */
const policyOf = (pictureHosts: readonly string[]) =>
  [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "worker-src 'self'",
    ["img-src 'self' data:", ...pictureHosts].join(' '),
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
/**
 * A worker has the policy of its own file. Only the map's compiles WebAssembly, which stands in it as a data URI, and it
 * asks nobody else.
 */
const WORKER_POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src data:"
const WORKER = /^assets\/[\w.-]+\.worker-[\w-]+\.js$/
const zipped = promisify(gzip)

export interface ConsoleFile {
  bytes: Buffer
  gzip: Buffer
  headers: Readonly<Record<string, string>>
}

export class ConsoleFiles {
  #read: Promise<ReadonlyMap<string, ConsoleFile>> | null = null

  constructor(private readonly pictureHosts: readonly string[]) {}

  /** Read at the first call: most processes are never looked at. Throws NOT_FOUND for other paths. */
  async get(path: string): Promise<ConsoleFile> {
    this.#read ??= readAll(new Disk(FOLDER), this.pictureHosts)
    // A failed read is tried again.
    this.#read.catch(() => {
      this.#read = null
    })
    const file = (await this.#read).get(path)
    if (!file) throw new VicinalError('NOT_FOUND', `Not found: the console has no file ${path}`)
    return file
  }
}

async function readAll(disk: Disk, hosts: readonly string[]): Promise<ReadonlyMap<string, ConsoleFile>> {
  const files = new Map<string, ConsoleFile>()
  for (const path of await disk.files('.')) files.set(path, await readOne(disk, path, hosts))
  return files
}

async function readOne(disk: Disk, path: string, hosts: readonly string[]): Promise<ConsoleFile> {
  const read = await disk.readFile(path, MOST_BYTES)
  const bytes = path === 'index.html' ? Buffer.from(String(read).replace(HOSTS, HOSTS + hosts.join(' '))) : read
  const type = TYPES[path.slice(path.lastIndexOf('.') + 1)] ?? 'application/octet-stream'
  // Names below `assets` hold a digest of their content.
  const isFixed = path.startsWith('assets/')
  const headers = {
    'content-type': type,
    'cache-control': isFixed ? 'public, max-age=31536000, immutable' : 'no-cache',
    etag: `"${digestOf(bytes)}"`,
    'content-security-policy': WORKER.test(path) ? WORKER_POLICY : policyOf(hosts),
    'referrer-policy': 'no-referrer',
    vary: 'accept-encoding',
  }
  return { bytes, gzip: await zipped(bytes), headers }
}
