"""Networks that were made elsewhere and come as ONNX files: checked, kept as checkpoints, run by ONNX Runtime."""
