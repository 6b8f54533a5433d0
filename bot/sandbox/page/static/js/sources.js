// What a composer can complete at this moment.

import { state } from "./store.js";

export function sources() {
  const environments = state.world?.environments ?? [];
  return {
    commands: state.boot?.commands ?? [],
    users: state.boot?.users ?? [],
    channels: state.channels,
    world: {
      environments: environments.map((environment) => environment.name),
      services: [
        ...new Set(
          environments.flatMap((environment) => environment.workloads.map((workload) => workload.service)),
        ),
      ],
    },
  };
}
