"""Nearest-neighbor search among unit vectors with faiss and hnswlib, on one thread, one probe after the other."""

import argparse
import time
from pathlib import Path

import faiss
import hnswlib
import numpy as np

from protocol import serve

PROBES = 200
# Links of a node, and the number of candidates that are kept while building.
LINKS, BUILDING = 16, 200
# The recall that graphs are set to, and that compressed codes with re-ranking are set to.
RECALL = 0.99


def spread(dimension):
    """Standard deviations that fall exponentially: the values have 100 effective dimensions, or 0.8 of the dimension."""
    wanted = min(100, 0.8 * dimension)
    low, high = 0.1, 100.0 * dimension
    for _ in range(60):
        middle = (low + high) / 2
        variances = np.exp(-np.arange(dimension) / middle)
        effective = variances.sum() ** 2 / (variances**2).sum()
        low, high = (middle, high) if effective < wanted else (low, middle)
    return np.sqrt(np.exp(-np.arange(dimension) / high)).astype(np.float32)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--vectors", type=Path)
    parser.add_argument("--size", type=int)
    parser.add_argument("--dimension", type=int)
    args = parser.parse_args()
    faiss.omp_set_num_threads(1)
    noise = np.random.default_rng(7)
    deviations = spread(args.dimension)

    def unit(rows):
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def directions(count):
        return unit(deviations * noise.standard_normal((count, args.dimension), np.float32))

    def photos(people):
        """Photos of the people. Two photos of a person have a cosine of about 0.65, photos of others 0 with a deviation of 0.1."""
        closeness = np.clip(noise.normal(0.806, 0.07, (len(people), 1)), 0.3, 0.99).astype(np.float32)
        return unit(closeness * people + np.sqrt(1 - closeness**2) * directions(len(people)))

    people = directions(args.size)
    templates = photos(people)
    probes = photos(people[noise.integers(args.size, size=PROBES)])
    del people
    indexes = {}

    def prepare():
        templates.tofile(args.vectors / "templates.f32")
        probes.tofile(args.vectors / "probes.f32")
        flat = faiss.IndexFlatIP(args.dimension)
        flat.add(templates)
        exact = flat.search(probes, 10)[1]
        graph = faiss.IndexHNSWFlat(args.dimension, LINKS, faiss.METRIC_INNER_PRODUCT)
        graph.hnsw.efConstruction = BUILDING
        faiss.omp_set_num_threads(2)
        graph.add(templates)
        faiss.omp_set_num_threads(1)
        other = hnswlib.Index("ip", args.dimension)
        other.init_index(args.size, M=LINKS, ef_construction=BUILDING)
        other.add_items(templates, num_threads=2)
        other.set_num_threads(1)
        # Four bits for each two or four values, and the best are compared again.
        parts = args.dimension // 2 if args.dimension <= 128 else args.dimension // 4
        codes = faiss.index_factory(args.dimension, f"PQ{parts}x4fs,RFlat", faiss.METRIC_INNER_PRODUCT)
        codes.train(templates[:50_000])
        codes.add(templates)

        def graph_search(probe, k, effort):
            graph.hnsw.efSearch = effort
            return graph.search(probe, k)[1]

        def other_search(probe, k, effort):
            other.set_ef(effort)
            return other.knn_query(probe, k)[0]

        def codes_search(probe, k, effort):
            codes.k_factor = effort / k
            return codes.search(probe, k)[1]

        def enough(search, k):
            """The least effort, of a ladder, with which the recall is reached."""
            effort = 20
            while effort < 5000:
                found = search(probes, k, effort)
                hits = [len(set(one) & set(best[:k])) for one, best in zip(found.tolist(), exact.tolist())]
                if sum(hits) >= RECALL * k * PROBES:
                    break
                effort = int(1.3 * effort)
            return effort

        indexes["faiss-flat"] = lambda probe, k: flat.search(probe, k)[1]
        searches = {"faiss-hnsw": graph_search, "hnswlib": other_search, "faiss-fastscan": codes_search}
        for name, search in searches.items():
            efforts = {k: enough(search, k) for k in (1, 10)}
            indexes[name] = lambda probe, k, search=search, efforts=efforts: search(probe, k, efforts[k])
        return {}

    def search(name, k):
        times, found = [], []
        for probe in probes:
            begun = time.perf_counter()
            ids = indexes[name](probe[None], k)
            times.append(1e6 * (time.perf_counter() - begun))
            found.append(ids[0].tolist())
        return {"us": float(np.median(times)), "found": found}

    commands = {"prepare": prepare}
    for name in ("faiss-flat", "faiss-hnsw", "faiss-fastscan", "hnswlib"):
        for k in (1, 10):
            commands[f"{name} {k}"] = lambda name=name, k=k: search(name, k)
    serve(commands)


if __name__ == "__main__":
    main()
