// A child process that runs one case and sends its result to the parent. Each case has its own, so that no system
// inherits another's memory, caches or compiled code.
const CASES = {
  prepare: () => import('./cases/prepare.mjs'),
  truth: () => import('./cases/prepare.mjs'),
  build: () => import('./cases/build.mjs'),
  search: () => import('./cases/search.mjs'),
  memory: () => import('./cases/memory.mjs'),
  service: () => import('./cases/service.mjs'),
  ingest: () => import('./cases/ingest.mjs'),
  kernel: () => import('./cases/kernel.mjs'),
  recall: () => import('./cases/recall.mjs'),
  rebuild: () => import('./cases/rebuild.mjs'),
  counts: () => import('./cases/counts.mjs'),
  sparse: () => import('./cases/sparse.mjs'),
  hybrid: () => import('./cases/hybrid.mjs'),
  maxsim: () => import('./cases/maxsim.mjs'),
  filters: () => import('./cases/filters.mjs'),
  servers: () => import('./cases/servers.mjs'),
  mixed: () => import('./cases/mixed.mjs'),
  micro: () => import('./cases/micro.mjs'),
  scale: () => import('./cases/scale.mjs'),
  storeWrite: () => import('./cases/stores.mjs'),
  storeLag: () => import('./cases/stores.mjs'),
  storeCold: () => import('./cases/stores.mjs'),
  filtersNative: () => import('./cases/filters.mjs'),
}

process.once('message', async ({ name, options }) => {
  try {
    const module = await CASES[name]()
    process.send({ result: await module[name](options) }, finish)
  } catch (error) {
    process.send({ error: error instanceof Error ? error.stack : String(error) }, finish)
  }
})

// Some engines keep threads that hold the process open.
function finish() {
  process.exit()
}
