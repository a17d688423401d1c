// Says by which command a test file is run: by `npm test` every file below test/ but those that `npm run test:ci` has, so a new file is
// in the first without a line here. A file belongs beyond it when it takes fifteen seconds, proves one promise a
// thousand times, or tests other things than library and service: packages, clients of others, benchmarks.
import { readFileSync } from 'node:fs'
import { filesBelow, path } from './process.mjs'

/** Folders, which end with a slash, and files. */
const BEYOND = [
  'test/clients/',
  'test/console/',
  'test/durability/',
  'test/lifecycle/',
  'test/packaging/',
  'test/stores/cluster.test.ts',
  'test/stores/contract.test.ts',
  'test/stores/damage.test.ts',
  'test/stores/error-texts.test.ts',
  'test/stores/file.test.ts',
  'test/stores/group-faults.test.ts',
  'test/stores/history-script.test.ts',
  'test/stores/history.test.ts',
  'test/stores/paused-owner.test.ts',
  'test/stores/refusing-store.test.ts',
  'test/stores/roles.test.ts',
  'test/stores/s3.test.ts',
  'test/stores/sabotage.test.ts',
  'test/stores/service.test.ts',
  'test/stores/thread-end.test.ts',
  'test/contract/deadlines.test.ts',
  'test/contract/fuzz.test.ts',
  'test/contract/large-answers.test.ts',
  'test/contract/slow-readers.test.ts',
  'test/contract/slow-senders.test.ts',
  'test/contract/snapshots.test.ts',
  'test/contract/streams.test.ts',
  'test/contract/threads-abuse.test.ts',
  'test/contract/threads.test.ts',
  'test/observe/traces.test.ts',
  'test/unit/bench-guard.test.ts',
  'test/unit/bench-load.test.ts',
  'test/unit/bench-recall.test.ts',
  'test/unit/bench-tiny.test.ts',
  'test/unit/cli/restore.test.ts',
  'test/unit/cli/stop.test.ts',
  'test/unit/engine/collection/kept-queries.test.ts',
  'test/unit/engine/collection/live-recall.test.ts',
  'test/unit/engine/collection/vector-changes.test.ts',
  'test/unit/engine/memory/map-room.test.ts',
  'test/unit/engine/snapshots/snapshots.test.ts',
  'test/unit/export/export.test.ts',
  'test/unit/filter/kernel.test.ts',
  'test/unit/fuzz/',
  'test/unit/import/',
  'test/unit/tune/tune.test.ts',
]

/** Of the folders above: one kill, one power cut, the tools that they stand on, and one import. */
const WITHIN = [
  'test/durability/kill-index.test.ts',
  'test/durability/log-refused.test.ts',
  'test/durability/power-loss.test.ts',
  'test/durability/shim.test.ts',
  'test/lifecycle/churn.test.ts',
  'test/lifecycle/cold.test.ts',
  'test/unit/import/import.test.ts',
]

/** Tests of random input: faults, histories, models, fuzz. */
const OF_RANDOM_INPUT = [
  'test/durability/',
  'test/unit/fuzz/',
  'test/contract/fuzz.test.ts',
  'test/lifecycle/cold-model.test.ts',
  'test/stores/damage.test.ts',
  'test/stores/history.test.ts',
  'test/unit/filter/kernel.test.ts',
  'test/unit/storage/lance-table-model.test.ts',
]

const PACKAGING = 'test/packaging/'
const IS_TEST = /\.test\.ts$/
/** Names that look like tests, and that no runner would find. */
const LOOKS_LIKE_TEST = /\.(test|spec)\.[cm]?[jt]sx?$/
const CONTRACT = /\.contract\.ts$/

const isNamed = (patterns, file) =>
  patterns.some((pattern) => (pattern.endsWith('/') ? file.startsWith(pattern) : file === pattern))
export const isOfRandomInput = (file) => isNamed(OF_RANDOM_INPUT, file)
const isBeyond = (file) => isNamed(BEYOND, file) && !isNamed(WITHIN, file)

/** Test files by the run they are in; packaging runs alone, for it measures nothing and fills the machine. */
export function suites() {
  const files = filesBelow('test', (file) => IS_TEST.test(file))
  return {
    quick: files.filter((file) => !isBeyond(file)),
    beyond: files.filter((file) => isBeyond(file) && !file.startsWith(PACKAGING)),
    packaging: files.filter((file) => file.startsWith(PACKAGING)),
  }
}

/** One line for each file that no command runs, that is run twice, or that is named above and is not there. */
export function findings() {
  const all = ['src', 'test', 'scripts', 'bench'].flatMap((folder) =>
    filesBelow(folder, (file) => LOOKS_LIKE_TEST.test(file) || CONTRACT.test(file)),
  )
  const runs = Object.values(suites()).flat()
  const timesRun = (file) => runs.filter((run) => run === file).length
  return [
    ...[...BEYOND, ...WITHIN, ...OF_RANDOM_INPUT]
      .filter((name) => !all.some((file) => isNamed([name], file)))
      .map((name) => `scripts/suites.mjs: names ${name}, where no test is`),
    ...all
      .filter((file) => LOOKS_LIKE_TEST.test(file) && timesRun(file) !== 1)
      .map((file) => `${file}: is run by ${timesRun(file)} commands, and should be by one`),
    ...unusedContracts(all),
  ]
}

/** A part of the contract suite is run by the file that imports it. */
function unusedContracts(files) {
  const texts = files.map((file) => ({ file, text: readFileSync(path(file), 'utf8') }))
  return files
    .filter((file) => CONTRACT.test(file))
    .filter((file) => {
      const name = file.slice(file.lastIndexOf('/') + 1).replace(/ts$/, 'js')
      return !texts.some((other) => other.file !== file && other.text.includes(`/${name}'`))
    })
    .map((file) => `${file}: no test imports it`)
}
