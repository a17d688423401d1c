// The parts of a run on one data set: which cases they start, and in which order.
import { existsSync } from 'node:fs'
import { FILTERED } from '../filtered/index.mjs'
import { SERVED } from '../served/index.mjs'
import { OURS, SYSTEMS } from '../systems/index.mjs'
import { inChild, say } from './child.mjs'
import { dataset, isPrepared, shape } from './datasets.mjs'
import { bracket, rowsOf } from './rates.mjs'

export const PARTS = [
  'libraries',
  'kernel',
  'recall',
  'rebuild',
  'service',
  'ingest',
  'filters',
  'counts',
  'sparse',
  'hybrid',
  'maxsim',
  'servers',
  'mixed',
  'scale',
  'micro',
]
/** Not part of the harness's own test: they take a while with any data, and `kernel` is much like `filters`. */
const NOT_TINY = ['kernel', 'scale', 'micro']
export const TINY_PARTS = PARTS.filter((part) => !NOT_TINY.includes(part))
export const SYSTEM_NAMES = [...new Set([...Object.keys(SYSTEMS), ...Object.keys(FILTERED), ...Object.keys(SERVED)])]

/** Compares with exact scans of the collection, whose rows change. */
const BY_OWN_TRUTH = 'recall'
/** The data set whose rows are mixed for larger ones. */
const GROWING = 'words'
/** Of the machine, with no data set; and of vectors made up for it. */
const MICRO = 'micro'
const MAXSIM = 'maxsim'
const WITHOUT_DATA = [MICRO, MAXSIM]

const M = 16
const EF_CONSTRUCT = 200
const EFS = [16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512]
const TINY_EFS = [16, 64]
/** Asked for where a system is asked for recall. */
const RECALLS = [0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995]
const TINY_RECALLS = [0.9, 0.99]
export const PARAMETERS = { m: M, efConstruct: EF_CONSTRUCT }

export async function measure(name, { systems, parts, limit, tiny }) {
  const set = dataset(name, limit)
  if (!isPrepared(set)) await inChild(`preparing ${name}: rows, held-out queries`, 'prepare', { data: name, limit })
  if (parts.some((part) => part !== BY_OWN_TRUTH) && !existsSync(set.truth))
    await inChild(`preparing ${name}: exact neighbours`, 'truth', { data: name, limit })
  const common = {
    data: name,
    limit,
    ...PARAMETERS,
    efs: tiny ? TINY_EFS : EFS,
    recalls: tiny ? TINY_RECALLS : RECALLS,
    tiny,
  }
  const { count, dim } = shape(set.base)
  const result = {
    name,
    rows: count,
    dim,
    distance: set.distance,
    queries: shape(set.queriesFile).count,
    limit,
    texts: set.hasTexts,
    systems: {},
  }
  const wants = (part) => parts.includes(part)
  if (wants('libraries')) {
    for (const system of systems.filter((one) => one in SYSTEMS))
      result.systems[system] = await measureSystem(system, common)
  }
  const attempt = attemptsOf(result)
  if (wants('scale') && name === GROWING) {
    result.scale = await attempt('scale', 'the kernel and C++ hnswlib as data grow', 'scale', common)
  }
  if (systems.includes(OURS)) await measureOurs(result, common, wants, attempt)
  if (wants('filters')) result.filters = await measureFilters(systems, common, attempt)
  if (wants('counts')) {
    result.counts = await attempt('counts', 'counts and facets', 'counts', { ...common, systems })
  }
  if (result.texts && wants('sparse')) {
    result.sparse = await attempt('sparse', 'full-text search', 'sparse', { ...common, systems })
  }
  if (wants('servers')) await measureServers(result, systems, common, attempt)
  return result
}

/** None where there is nothing to measure but the machine. */
export const dataOf = ({ data, parts }) => (parts.every((part) => WITHOUT_DATA.includes(part)) ? [] : data)

export async function measureMachine({ parts }) {
  return parts.includes(MICRO) ? await inChild('kernels beside the load bandwidth', MICRO, {}) : null
}

export async function measureMaxSim({ parts, tiny }) {
  return parts.includes(MAXSIM) ? await inChild('MaxSim beside its dot products in the kernel', MAXSIM, { tiny }) : null
}

/** Together, since they are asked in turns. */
async function measureServers(result, systems, common, attempt) {
  const served = systems.filter((one) => one in SERVED)
  result.servers = await attempt('servers', 'servers in turns', 'servers', { ...common, systems: served })
  for (const [name, { error }] of Object.entries(result.servers ?? {})) {
    if (error) result.errors = { ...result.errors, [`server, ${name}`]: error }
  }
}

async function measureSystem(system, common) {
  const result = {}
  try {
    result.build = await inChild(`${common.data}: ${system} builds`, 'build', { ...common, system })
    result.search = await inChild(`${common.data}: ${system} opens and searches`, 'search', { ...common, system })
    result.memory = await inChild(`${common.data}: memory of ${system}`, 'memory', { ...common, system })
  } catch (error) {
    // One system that fails must not cost the others' numbers.
    say(`${system} failed: ${error.message}`)
    result.error = error.message
  }
  return result
}

/** Starts a case; where it fails, the run goes on, and the result says so. */
function attemptsOf(result) {
  return async (key, what, name, options) => {
    try {
      return await inChild(`${options.data}: ${what}`, name, options)
    } catch (error) {
      say(`${what} failed: ${error.message}`)
      result.errors = { ...result.errors, [key]: error.message }
      return undefined
    }
  }
}

async function measureOurs(result, common, wants, attempt) {
  const own = result.systems[OURS]?.search?.rows
  if (wants('kernel')) result.kernel = await attempt('kernel', 'the kernel beside C++ hnswlib', 'kernel', common)
  if (wants('recall')) result.recall = await attempt('recall', 'recall asked for and got', 'recall', common)
  if (wants('rebuild') && own) result.rebuild = await attempt('rebuild', 'rebuilding from the table', 'rebuild', common)
  if (wants('service') && own) {
    const efs = bracket(rowsOf(own, 1, ({ variant }) => !variant))
    result.service = await attempt('service', 'searching through the service', 'service', { ...common, efs })
  }
  if (wants('mixed')) result.mixed = await measureMixed(common, attempt)
  if (result.texts && wants('hybrid')) {
    result.hybrid = await attempt('hybrid', 'dense and full-text search in one query', 'hybrid', common)
  }
  if (wants('ingest')) result.ingest = await measureIngestion(common, attempt)
}

async function measureMixed(common, attempt) {
  const found = {}
  for (const through of ['library', 'service']) {
    const what = `mixed load through the ${through}`
    found[through] = await attempt(`mixed, ${through}`, what, 'mixed', { ...common, through })
  }
  return found
}

async function measureIngestion(common, attempt) {
  const service = { ...common, through: 'service' }
  return {
    library: await attempt('library', 'ingesting through the library', 'ingest', { ...common, through: 'library' }),
    service: await attempt('ingest', 'ingesting through the service', 'ingest', service),
    profile: await attempt('profile', 'the same under a profiler', 'ingest', { ...service, profile: true }),
  }
}

async function measureFilters(systems, common, attempt) {
  const what = 'filters: the kernel, C++ hnswlib and scans'
  const native = await attempt('filters', what, 'filtersNative', common)
  if (!native) return undefined
  const found = {}
  for (const system of systems.filter((one) => one in FILTERED)) {
    found[system] = await attempt(`filters, ${system}`, `filters: ${system}`, 'filters', { ...common, system })
  }
  return { native, systems: found }
}
