import { ErrorLine, Waiting } from '../parts/basics'
import { useAsked } from '../service/polled'
import type { Ingestion } from '../service/quarantine'
import { ask } from '../service/session'
import { type CollectionInfo, vectorsOf } from '../service/types'
import { Records } from './quarantine/records'
import { Rules } from './quarantine/rules'

/** The rules of a collection, and the rows that they kept back, to be mended or deleted. */
export function QuarantinePage({ name }: { name: string }) {
  const path = `/collections/${encodeURIComponent(name)}`
  const info = useAsked((signal) => ask<CollectionInfo>('GET', path, undefined, signal), [path])
  if (!info.value) return <Waiting of={info} />
  const ingestion = (info.value.config.ingestion ?? null) as Ingestion | null
  const vectors = [...Object.keys(vectorsOf(info.value)), ...Object.keys(info.value.config.params.sparse_vectors ?? {})]
  return (
    <>
      <h1>Rules and quarantine of {name}</h1>
      <ErrorLine error={info.error} />
      <Rules name={name} ingestion={ingestion} onChange={info.again} />
      {ingestion?.quarantine && (
        <Records key={ingestion.quarantine} name={name} quarantine={ingestion.quarantine} vectors={vectors} />
      )}
    </>
  )
}
