"""Nearest-neighbor search among unit vectors with faiss and hnswlib, on one thread, one probe after the other."""

import argparse
import time
from pathlib import Path

import faiss
import hnswlib
import numpy as np

from protocol import serve

PROBES = 100
# Links of a node, and the numbers of candidates that are kept while building and while searching (efConstruction, efSearch).
LINKS, BUILDING, SEARCHING = 16, 100, 64


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--vectors", type=Path)
    parser.add_argument("--size", type=int)
    parser.add_argument("--dimension", type=int)
    args = parser.parse_args()
    faiss.omp_set_num_threads(1)
    noise = np.random.default_rng(7)
    templates = noise.standard_normal((args.size, args.dimension), np.float32)
    templates /= np.linalg.norm(templates, axis=1, keepdims=True)
    # A probe is a template with noise.
    probes = templates[noise.integers(args.size, size=PROBES)]
    probes = probes + 0.5 / np.sqrt(args.dimension) * noise.standard_normal(probes.shape, np.float32)
    probes /= np.linalg.norm(probes, axis=1, keepdims=True)
    probes = probes.astype(np.float32)
    indexes = {}

    def prepare():
        templates.tofile(args.vectors / "templates.f32")
        probes.tofile(args.vectors / "probes.f32")
        flat = faiss.IndexFlatIP(args.dimension)
        flat.add(templates)
        graph = faiss.IndexHNSWFlat(args.dimension, LINKS, faiss.METRIC_INNER_PRODUCT)
        graph.hnsw.efConstruction, graph.hnsw.efSearch = BUILDING, SEARCHING
        faiss.omp_set_num_threads(2)
        graph.add(templates)
        faiss.omp_set_num_threads(1)
        other = hnswlib.Index("ip", args.dimension)
        other.init_index(args.size, M=LINKS, ef_construction=BUILDING)
        other.add_items(templates, num_threads=2)
        other.set_ef(SEARCHING)
        other.set_num_threads(1)
        indexes["faiss-flat"] = lambda probe, k: flat.search(probe, k)[1]
        indexes["faiss-hnsw"] = lambda probe, k: graph.search(probe, k)[1]
        indexes["hnswlib"] = lambda probe, k: other.knn_query(probe, k)[0]
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
    for name in ("faiss-flat", "faiss-hnsw", "hnswlib"):
        for k in (1, 10):
            commands[f"{name} {k}"] = lambda name=name, k=k: search(name, k)
    serve(commands)


if __name__ == "__main__":
    main()
