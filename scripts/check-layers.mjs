// Proves the layer rules of docs/ARCHITECTURE.md on the imports as they are: directions, cycles, rooms with
// one door, and the files that may use node:fs and the addon; in src/ and, for #include, in native/.
// `findings()` returns one line per violation.
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, normalize } from 'node:path'
import { filesBelow, path } from './process.mjs'

/** The folders that each folder of src/ may import from besides itself, lowest first. Rooms of engine/ have their own. */
const BELOW_QUERY = ['core', 'disk', 'native', 'filter', 'inference', 'storage', 'log', 'bucket', 'ingest']
const BELOW_ENGINE = [...BELOW_QUERY, 'query', 'wire', 'readers', 'intake', 'quality']
const ENGINE = ['config', 'memory', 'limits', 'catalogue', 'collection', 'snapshots', 'stores', 'database'].map(
  (room) => `engine/${room}`,
)
const MAY_IMPORT = {
  core: [],
  disk: ['core'],
  native: ['core', 'disk'],
  filter: ['core', 'disk'],
  inference: ['core', 'native', 'filter'],
  storage: ['core', 'disk', 'native'],
  log: ['core', 'disk', 'native'],
  bucket: ['core', 'disk', 'native', 'log'],
  ingest: ['core', 'native', 'filter', 'inference'],
  query: BELOW_QUERY,
  quality: ['core', 'native', 'filter', 'query'],
  ...Object.fromEntries(ENGINE.map((room, at) => [room, [...BELOW_ENGINE, ...ENGINE.slice(0, at)]])),
  // A user of the library may hand in a tracer.
  'engine/database': [...BELOW_ENGINE, ...ENGINE.slice(0, ENGINE.indexOf('engine/database')), 'tracing'],
  wire: ['core', 'native', 'filter', 'ingest'],
  // Rows of points in every form, as streams and the import read them.
  readers: ['core', 'native', 'filter', 'ingest', 'wire'],
  // Streams of points on their way into a collection.
  intake: ['core', 'native', 'filter', 'ingest', 'wire', 'readers'],
  // The faces know the Database interface of core and the decoders of wire, not the engine.
  server: ['core', 'disk', 'wire'],
  // Spans by OpenTelemetry, behind the interface of core/tracing.ts.
  tracing: ['core'],
  client: ['core', 'wire'],
  serving: [...BELOW_ENGINE, ...ENGINE, 'wire', 'server', 'tracing'],
  cluster: [...BELOW_ENGINE, ...ENGINE, 'server'],
  terminal: ['core'],
  import: [...BELOW_QUERY, 'wire', 'readers', 'intake', 'terminal'],
  export: ['core', 'wire', 'terminal'],
  tune: [...BELOW_ENGINE, ...ENGINE, 'index.ts', 'terminal', 'import'],
  sample: ['core', 'disk', 'client', 'terminal'],
  cli: [
    ...BELOW_ENGINE,
    ...ENGINE,
    'wire',
    'server',
    'client',
    'index.ts',
    'serving',
    'tracing',
    'cluster',
    'terminal',
    'tune',
    'import',
    'export',
    'sample',
  ],
  'index.ts': [...BELOW_ENGINE, ...ENGINE, 'wire'],
  // Runs in a browser, and knows the service by its API alone.
  console: [],
}
/** Rooms with one door: the only file outside that may import from the room, so that the room could be deleted. */
const DOORS = { 'src/server/streams/': 'src/server/service.ts', 'src/serving/': 'src/cli/serve.ts' }
const MAY_USE_FILES = new Set(['disk', 'cli', 'serving', 'import', 'export', 'tune', 'sample'])

const NATIVE_MAY_INCLUDE = {
  base: [],
  distance: ['base'],
  quantize: ['base', 'distance'],
  graph: ['base', 'distance', 'quantize'],
  text: ['base'],
  filter: ['base', 'distance', 'text'],
  sparse: ['base'],
  segment: ['base', 'distance', 'quantize', 'graph', 'text', 'filter', 'sparse'],
  search: ['base', 'distance', 'quantize', 'graph', 'text', 'filter', 'sparse', 'segment'],
  shard: ['base', 'distance', 'quantize', 'graph', 'text', 'filter', 'sparse', 'segment', 'search'],
  binding: ['base', 'distance', 'quantize', 'graph', 'text', 'filter', 'sparse', 'segment', 'search', 'shard'],
}

const INCLUDE = /^\s*#\s*include\s*[<"]([^>"]+)[>"]/gm

export function findings() {
  return [...sourceFindings(), ...nativeFindings()]
}

function sourceFindings() {
  const found = []
  const graph = new Map()
  for (const file of filesBelow('src', (name) => /\.tsx?$/.test(name))) {
    const text = readFileSync(path(file), 'utf8')
    const targets = []
    for (const name of importsOf(text)) {
      if (!name.startsWith('.')) found.push(...outsideFindings(file, name))
      else if (!IS_ASSET.test(name)) {
        const target = fileOf(normalize(join(dirname(file), name)))
        if (target) targets.push(target)
        else found.push(`${file}: imports ${name}, where no file is`)
      }
    }
    if (/\.node['"`]/.test(text) && layerOf(file) !== 'native')
      found.push(`${file}: names the addon; only src/native may`)
    graph.set(file, targets)
    for (const target of targets) found.push(...directionFindings(file, target))
  }
  return [...found, ...cycles(graph)]
}

/** The names that a module imports in any form: imports, re-exports, `import()`, and those of types alone. */
export function importsOf(text) {
  // The compiler's own reader. Loaded late, for a fresh clone has no packages when this file is read.
  const { preProcessFile } = createRequire(import.meta.url)('typescript-api')
  return [...new Set(preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName))]
}

/** Style sheets, pictures and data, which import nothing. */
const IS_ASSET = /\.(css|svg|json)(\?\w+)?$/

/** The source file that an import means, which may leave out its ending or name that of the compiled file. */
export function fileOf(target, exists = (file) => existsSync(path(file))) {
  const stem = target.replace(/\.(jsx?|tsx?)$/, '')
  return [`${stem}.ts`, `${stem}.tsx`, `${target}/index.ts`, `${target}/index.tsx`].find(exists)
}

function directionFindings(file, target) {
  const found = []
  for (const [room, door] of Object.entries(DOORS)) {
    if (target.startsWith(room) && !file.startsWith(room) && file !== door)
      found.push(`${file}: must not import ${target}; only ${door} may import from ${room}`)
  }
  const [from, to] = [layerOf(file), layerOf(target)]
  if (from === to) return found
  if (!MAY_IMPORT[from]) found.push(`${file}: src/${from} is not in the table of layers`)
  else if (!MAY_IMPORT[from].includes(to)) found.push(`${file}: src/${from} must not import src/${to}`)
  return found
}

function outsideFindings(file, name) {
  if (/^(node:)?fs(\/promises)?$/.test(name) && !MAY_USE_FILES.has(layerOf(file))) {
    return [`${file}: imports ${name}; only src/disk (and commands, for users' files) may`]
  }
  return []
}

/** `core` for src/core/point.ts, `engine/limits` for src/engine/limits/…; a file directly in src/ is a layer of its own. */
function layerOf(file) {
  const [, folder, room] = file.split('/')
  return folder === 'engine' ? `${folder}/${room}` : folder
}

/** Every cycle once, as the path that closes it. */
export function cycles(graph) {
  const found = []
  const done = new Set()
  const stack = []
  const visit = (file) => {
    const at = stack.indexOf(file)
    if (at >= 0) {
      found.push(`import cycle: ${[...stack.slice(at), file].join(' → ')}`)
      return
    }
    if (done.has(file)) return
    stack.push(file)
    for (const target of graph.get(file) ?? []) visit(target)
    stack.pop()
    done.add(file)
  }
  for (const file of graph.keys()) visit(file)
  return found
}

function nativeFindings() {
  const found = []
  for (const file of filesBelow('native', isNativeSource)) {
    const layer = layerOf(file)
    if (layer === 'test') continue
    for (const [, name] of readFileSync(path(file), 'utf8').matchAll(INCLUDE)) {
      if (/^(napi|node_api|js_native_api|uv)\.h$/.test(name) && layer !== 'binding') {
        found.push(`${file}: includes ${name}; only native/binding may`)
      }
      if (name === 'libstemmer.h' && layer !== 'text') found.push(`${file}: includes ${name}; only native/text may`)
      const to = name.startsWith('.') ? normalize(join(layer, name)).split('/')[0] : name.split('/')[0]
      if (!Object.hasOwn(NATIVE_MAY_INCLUDE, to) || to === layer) continue
      if (!NATIVE_MAY_INCLUDE[layer]) found.push(`${file}: native/${layer} is not in the table of layers`)
      else if (!NATIVE_MAY_INCLUDE[layer].includes(to))
        found.push(`${file}: native/${layer} must not include native/${to}`)
    }
  }
  return found
}

export const isNativeSource = (file) => /\.(cpp|hpp|h|cc)$/.test(file) && !/^native\/(build|libstemmer)\//.test(file)
