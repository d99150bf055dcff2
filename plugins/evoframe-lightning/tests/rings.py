"""A LightningModule with its data: three rings of points in the plane."""

import lightning.pytorch as pl
import torch
import torchmetrics
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import evoframe
import evoframe_lightning


def rings(count, seed):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 3
    angles = 6.2832 * torch.rand(count, generator=generator)
    radii = 1.0 + labels + 0.2 * torch.randn(count, generator=generator)
    return TensorDataset(torch.stack([radii * angles.cos(), radii * angles.sin()], 1), labels)


class Data(pl.LightningDataModule):
    def train_dataloader(self):
        return DataLoader(rings(240, seed=1), batch_size=24, shuffle=True)

    def val_dataloader(self):
        return DataLoader(rings(120, seed=2), batch_size=50)

    def test_dataloader(self):
        return DataLoader(rings(120, seed=3), batch_size=50)


class Net(pl.LightningModule):
    def __init__(self, width=24, rate=0.02, schedule="step"):
        super().__init__()
        self.save_hyperparameters()
        self.layers = nn.Sequential(
            nn.Linear(2, width), nn.ReLU(), nn.Dropout(0.1), nn.Linear(width, width), nn.ReLU()
        )
        self.head = nn.Linear(width, 3)
        self.accuracy = torchmetrics.Accuracy("multiclass", num_classes=3)

    def forward(self, points):
        return self.head(self.layers(points))

    def training_step(self, batch, batch_idx):
        points, labels = batch
        loss = nn.functional.cross_entropy(self(points), labels)
        self.log("train_loss", loss, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch, batch_idx):
        points, labels = batch
        logits = self(points)
        self.accuracy(logits, labels)
        self.log("val_accuracy", self.accuracy)
        self.log("val_loss", nn.functional.cross_entropy(logits, labels))

    def configure_optimizers(self):
        rate = self.hparams.rate
        optimiser = torch.optim.SGD(self.parameters(), rate, momentum=0.9, weight_decay=1e-3)
        if self.hparams.schedule == "step":
            return [optimiser], [torch.optim.lr_scheduler.StepLR(optimiser, 1, 0.7)]
        plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, patience=0, threshold=10.0)
        return {
            "optimizer": optimiser,
            "lr_scheduler": {"scheduler": plateau, "monitor": self.hparams.schedule},
        }


def made(**options):
    torch.manual_seed(0)
    return evoframe_lightning.task(
        Net(**options), Data(), metrics={"val_accuracy": "max", "val_loss": "min"}
    )


def task():
    return made()


def evolved(folder, given=None, training=None, **options):
    return evoframe.evolve(
        given or made(),
        encoding="cluster",
        training=training or evoframe_lightning.Lightning(epochs=2),
        options=["encoding.of=bundle", "environment.retention=0.4"],
        generations=2,
        device="cpu",
        out=folder,
        **options,
    )
