"""onnxruntime, on models in ONNX's own text form; the network is built node by node."""

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

import data

VERSION = onnxruntime.__version__
THREADS = 1


def start(threads):
    global THREADS
    THREADS = threads


ROWS = "g (float[4096,2048] x) => (float[4096,2048] y) { y = Softmax <axis = -1> (x) }"
PRODUCT = "g (float[N,N] x, float[N,N] w) => (float[N,N] y) { y = MatMul(x, w) }"
MODELS = {
    "gelu_chain": """g (float[4096,2048] x, float[2048] w, float[2048] b) => (float[4096,2048] y) {
        p = Mul(x, w)  s = Add(p, b)  y = Gelu <approximate = "tanh"> (s)
    }""",
    "black_scholes": """g (float[N] s, float[N] k, float[N] t) => (float[N] y)
        <float r = {0.03}, float v = {0.25}, float drift = {0.06125}, float h = {0.5}, float one = {1}, float i = {0.70710678}> {
        q = Div(s, k)  l = Log(q)  dt = Mul(t, drift)  n = Add(l, dt)  root = Sqrt(t)  vr = Mul(root, v)
        d1 = Div(n, vr)  d2 = Sub(d1, vr)
        i1 = Mul(d1, i)  e1 = Erf(i1)  o1 = Add(e1, one)  c1 = Mul(o1, h)
        i2 = Mul(d2, i)  e2 = Erf(i2)  o2 = Add(e2, one)  c2 = Mul(o2, h)
        rt = Mul(t, r)  nrt = Neg(rt)  f = Exp(nrt)  a = Mul(s, c1)  kf = Mul(k, f)  b = Mul(kf, c2)  y = Sub(a, b)
    }""",
    "image_prep": """g (uint8[1080,1920,3] x, float[3] mean, float[3] std) => (float[3,1080,1920] y) <float whole = {255}> {
        f = Cast <to = 1> (x)  u = Div(f, whole)  c = Sub(u, mean)  n = Div(c, std)  y = Transpose <perm = [2, 0, 1]> (n)
    }""",
    "transpose_add_4096": "g (float[N,N] x, float[N,N] w) => (float[N,N] y) { t = Transpose(x)  y = Add(t, w) }",
    "tiny_call": "g (float[16] x) => (float[16] y) <float two = {2}, float one = {1}> { p = Mul(x, two)  y = Add(p, one) }",
    "softmax_4096x2048": ROWS,
    "softmax_128x50257": ROWS.replace("4096,2048", "128,50257"),
    "layernorm_fwd": """g (float[4096,2048] x, float[2048] w, float[2048] b) => (float[4096,2048] y) {
        y = LayerNormalization <axis = -1, epsilon = 0.00001> (x, w, b)
    }""",
    "sum_squares_64m": "g (float[N] x) => (float y) { y = ReduceSumSquare <keepdims = 0> (x) }",
    "column_sum_8192": """g (float[8192,8192] x) => (float[8192] y) <int64[1] axes = {0}> {
        y = ReduceSum <keepdims = 0> (x, axes)
    }""",
    "matmul_512": PRODUCT,
    "matmul_1024": PRODUCT,
    "matmul_2048": PRODUCT,
    "matmul_bias_gelu_1024": """g (float[N,N] x, float[N,N] w, float[N] b) => (float[N,N] y) {
        p = MatMul(x, w)  s = Add(p, b)  y = Gelu <approximate = "tanh"> (s)
    }""",
    "kmeans_assign": """g (float[100000,64] x, float[16,64] c) => (int64[100000] y) <int64[1] axes = {1}, float two = {2}> {
        q = ReduceSumSquare <keepdims = 0> (c, axes)  t = Transpose(c)  p = MatMul(x, t)  p2 = Mul(p, two)  d = Sub(q, p2)
        y = ArgMin <axis = 1, keepdims = 0> (d)
    }""",
    "attention_causal": """g (float[16,512,64] q, float[16,512,64] k, float[16,512,64] v) => (float[16,512,64] y)
        <float scale = {0.125}, float low = {-1e30}, int64 n = {512}, int64 begin = {0}, int64 one = {1},
         int64[1] down = {1}> {
        i = Range(begin, n, one)  c = Unsqueeze(i, down)  seen = GreaterOrEqual(c, i)
        t = Transpose <perm = [0, 2, 1]> (k)  p = MatMul(q, t)  s = Mul(p, scale)  m = Where(seen, s, low)
        e = Softmax <axis = -1> (m)  y = MatMul(e, v)
    }""",
}


class Ops:
    """Nodes of a model."""

    def __init__(self):
        self.net = data.efficientnet_weights()
        self.nodes, self.sizes = [], {"x": 224}

    def node(self, op, inputs, size, **attributes):
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], **attributes))
        self.sizes[name] = size
        return name

    def conv(self, x, name, stride, depthwise):
        w, size = self.net[name], self.sizes[x]
        before, after = data.same(size, w.shape[2], stride)
        pads = dict(pads=[before, before, after, after], strides=[stride] * 2, group=len(w) if depthwise else 1)
        return self.node("Conv", [x, name], -(-size // stride), **pads)

    def norm(self, x, name):
        fields = [f"{name}.{field}" for field in ("weight", "bias", "running_mean", "running_var")]
        return self.node("BatchNormalization", [x, *fields], self.sizes[x], epsilon=1e-3)

    def relu6(self, x):
        return self.node("Clip", [x, "zero", "six"], self.sizes[x])

    def add(self, x, y):
        return self.node("Add", [x, y], self.sizes[x])

    def head(self, x):
        x = self.node("Flatten", [self.node("GlobalAveragePool", [x], 1)], 1)
        return self.node("Gemm", [x, "_fc.weight", "_fc.bias"], 1, transB=1)


def network(batch):
    ops = Ops()
    out = data.efficientnet(ops, "x")
    arrays = ops.net | {"zero": np.float32(0), "six": np.float32(6)}
    tensors = [numpy_helper.from_array(np.asarray(a), name) for name, a in arrays.items()]
    value = lambda name, shape: helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
    graph = helper.make_graph(
        ops.nodes, "g", [value("x", [batch, 3, 224, 224])], [value(out, [batch, 1000])], tensors
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def make(name, arrays):
    if name.startswith("efficientnet"):
        model = network(len(arrays[0]))
    elif name in MODELS:
        model = onnx.parser.parse_model(f'<ir_version: 10, opset_import: ["" : 20]>\n{MODELS[name]}')
    else:
        return None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    inputs = {i.name: a for i, a in zip(session.get_inputs(), arrays)}
    return lambda: session.run(None, inputs)


def finish(result):
    """Nothing is left to wait for."""


def numbers(result):
    return result
